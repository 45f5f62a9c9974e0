import { createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcWebTransport,
  type GrpcTransportOptions,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { GlinkTransportOptions } from "../../../src/index.ts";
import { onGlink, type Scenario } from "./transports.ts";

/* connect-node's transports for the other two protocols, beside glink. */

export type EchoClient = ReturnType<typeof createClient<typeof EchoService>>;
/** What both transports are given. */
export type SharedOptions = Omit<GrpcTransportOptions, "sessionManager"> & { useHttpGet?: boolean };

const originals = { connect: createConnectTransport, "grpc-web": createGrpcWebTransport } as const;
export type OtherProtocol = keyof typeof originals;
export const otherProtocols = Object.keys(originals) as OtherProtocol[];

/** Runs a scenario through connect-node's transport of that protocol. */
export async function onOriginal(
  protocol: OtherProtocol,
  options: SharedOptions,
  scenario: Scenario,
): Promise<unknown> {
  const { nodeOptions, pingIntervalMs, pingIdleConnection, pingTimeoutMs, idleConnectionTimeoutMs, ...rest } = options;
  const ofManager = { pingIntervalMs, pingIdleConnection, pingTimeoutMs, idleConnectionTimeoutMs };
  const given = Object.fromEntries(Object.entries(ofManager).filter(([, value]) => value !== undefined));
  const sessionManager = new Http2SessionManager(options.baseUrl, given, nodeOptions);
  try {
    return await scenario(originals[protocol]({ httpVersion: "2", ...rest, sessionManager }));
  } finally {
    sessionManager.abort();
  }
}

/** What a scenario sees on connect-node's transport, and on glink. */
export async function sideBySide<T>(
  protocol: OtherProtocol,
  options: SharedOptions,
  observe: (client: EchoClient, transport: Transport) => Promise<T>,
  glinkOptions: Partial<GlinkTransportOptions> = { retry: false },
): Promise<readonly [original: T, own: T]> {
  const scenario: Scenario = (transport) => observe(createClient(EchoService, transport), transport);
  const expected = await onOriginal(protocol, options, scenario);
  const own = await onGlink({ protocol, httpVersion: "2", ...options, ...glinkOptions }, scenario);
  return [expected as T, own as T];
}
