import { Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type AttemptReport,
  type GlinkCallOptions,
  type GlinkTransport,
  type GlinkTransportOptions,
  glinkCall,
  staticResolver,
} from "../../../src/index.ts";
import { type FramePeer, type FramePeerOptions, startFramePeer } from "../../support/frame-peer.ts";
import { glinkTransport } from "../../support/transport.ts";

/** How a call ended. */
export interface Outcome {
  /** Undefined: it succeeded. */
  readonly code: string | undefined;
  readonly message: string;
  readonly error: ConnectError | undefined;
  /** One for each attempt, as onAttempt told them. */
  readonly attempts: readonly AttemptReport[];
  readonly elapsedMs: number;
}

/** What a call should be like. Without `retry` it has exactly one attempt. */
export interface FaultCall {
  readonly retry?: GlinkCallOptions["retry"] | "default";
  readonly timeoutMs?: number;
  readonly payloadBytes?: number;
}

/** A transport for these addresses. */
export function transportTo(
  addresses: readonly string[],
  options: Partial<GlinkTransportOptions> = {},
): GlinkTransport {
  return glinkTransport({ baseUrl: "http://echo.test", resolver: staticResolver(addresses), ...options });
}

/** Makes one unary call and tells how it ended. It never rejects. */
export async function tryUnary(transport: GlinkTransport, call: FaultCall = {}): Promise<Outcome> {
  const { retry = false, timeoutMs = 10_000, payloadBytes = 0 } = call;
  const attempts: AttemptReport[] = [];
  const options: GlinkCallOptions = { onAttempt: (report) => attempts.push(report) };
  const contextValues = createContextValues().set(glinkCall, retry === "default" ? options : { ...options, retry });
  const startedMs = performance.now();
  let error: ConnectError | undefined;
  try {
    const payload = new Uint8Array(payloadBytes);
    await createClient(EchoService, transport).unary({ payload }, { contextValues, timeoutMs });
  } catch (reason) {
    if (!(reason instanceof ConnectError)) throw reason;
    error = reason;
  }
  return {
    code: error === undefined ? undefined : Code[error.code],
    message: error?.rawMessage ?? "",
    error,
    attempts,
    elapsedMs: performance.now() - startedMs,
  };
}

/** Runs `body` with a frame peer and a transport to it, and closes both. */
export async function withPeer(
  script: FramePeerOptions,
  body: (transport: GlinkTransport, peer: FramePeer) => Promise<void>,
  options: Partial<GlinkTransportOptions> = {},
): Promise<void> {
  const peer = await startFramePeer(script);
  const transport = transportTo([peer.address], options);
  try {
    await body(transport, peer);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await peer.close();
  }
}

/** Waits until `condition` holds; after 5 s it fails with `what`. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const startMs = performance.now(); !condition(); ) {
    if (performance.now() - startMs > 5_000) throw new Error(`still not so after 5 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
