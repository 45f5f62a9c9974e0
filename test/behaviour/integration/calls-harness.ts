import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { type Code, ConnectError } from "@connectrpc/connect";
import type { GlinkTransport, GlinkTransportOptions } from "../../../src/index.ts";
import { type EchoBackend, startConnectEcho, startGrpcJsEcho } from "../../support/echo-server.ts";
import { glinkTransport } from "../../support/transport.ts";

/** The two real servers that every claim about calls is proved against. */
export const servers: readonly { readonly name: string; readonly start: () => Promise<EchoBackend> }[] = [
  { name: "connect-node", start: () => startConnectEcho() },
  { name: "grpc-js", start: () => startGrpcJsEcho() },
];

/** Runs `work` with a transport to one backend, and closes both. */
export async function withGlink<B extends { readonly address: string; close(): Promise<void> }>(
  start: () => Promise<B>,
  options: Partial<GlinkTransportOptions>,
  work: (transport: GlinkTransport, backend: B) => Promise<void>,
): Promise<void> {
  const backend = await start();
  const transport = glinkTransport({ baseUrl: `http://${backend.address}`, ...options });
  try {
    await work(transport, backend);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await backend.close();
  }
}

/** A peer that says whatever a test wants, frame by frame where it has to. */
export interface OddPeer {
  readonly address: string;
  /** Error codes with which streams were reset, in order. */
  readonly resets: readonly number[];
  readonly requests: readonly IncomingHttpHeaders[];
  close(): Promise<void>;
}

/** Starts a bare HTTP/2 server on 127.0.0.1. */
export async function startOddPeer(
  answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
): Promise<OddPeer> {
  const resets: number[] = [];
  const requests: IncomingHttpHeaders[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on("error", () => undefined);
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    requests.push(headers);
    // A reset by the client reaches a server stream as an error or not, depending on its state.
    stream.on("error", () => undefined);
    stream.once("close", () => resets.push(stream.rstCode ?? 0));
    answer(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    resets,
    requests,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

/** Polls until `condition` holds; fails after a generous time. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const giveUpMs = performance.now() + 15_000;
  while (!condition()) {
    assert.ok(performance.now() < giveUpMs, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** For assert.rejects: a ConnectError with this code and text. */
export function connectError(code: Code, text: RegExp = /./): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof ConnectError, `${error}`);
    assert.deepEqual({ code: error.code, matches: text.test(error.message) }, { code, matches: true }, error.message);
    return true;
  };
}

export async function* yielding<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

export async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}
