import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, type GrpcTransportOptions, Http2SessionManager } from "@connectrpc/connect-node";
import type { GlinkTransportOptions } from "../../../src/index.ts";
import { glinkTransport } from "../../support/transport.ts";

/** Does something with a transport, and returns what a user can see of it. */
export type Scenario = (transport: Transport) => Promise<unknown>;

export type Options = Omit<GrpcTransportOptions, "sessionManager">;

/** Runs a scenario through connect-node's createGrpcTransport. */
export async function onConnectNode(options: Options, scenario: Scenario): Promise<unknown> {
  const { nodeOptions, ...rest } = options;
  const { pingIntervalMs, pingIdleConnection, pingTimeoutMs, idleConnectionTimeoutMs, connectTimeoutMs } = options;
  const ofManager = { pingIntervalMs, pingIdleConnection, pingTimeoutMs, idleConnectionTimeoutMs, connectTimeoutMs };
  const given = Object.fromEntries(Object.entries(ofManager).filter(([, value]) => value !== undefined));
  // The transport cannot be closed, but a session manager of our own can; it takes these options then.
  const sessionManager = new Http2SessionManager(options.baseUrl, given, nodeOptions);
  try {
    return await scenario(createGrpcTransport({ ...rest, sessionManager }));
  } finally {
    // Aborted before it has heard of its session's error, the manager leaves that error to nobody: an uncaught exception.
    await sleep(30);
    sessionManager.abort();
  }
}

/** Runs a scenario through glink. */
export async function onGlink(options: GlinkTransportOptions, scenario: Scenario): Promise<unknown> {
  const transport = glinkTransport(options);
  try {
    return await scenario(transport);
  } finally {
    await transport.close({ timeoutMs: 0 });
  }
}

/** The name of the code with which a call fails, or "success". */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await errorOf(call);
  return error === undefined ? "success" : (Code[error.code] as string);
}

/** The error of a call, or undefined. What is no ConnectError is thrown on. */
export async function errorOf(call: Promise<unknown>): Promise<ConnectError | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof ConnectError) return error;
    throw error;
  }
}
