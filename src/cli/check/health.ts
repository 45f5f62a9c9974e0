import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus } from "../../../proto/gen/grpc/health/v1/health_pb.js";
import {
  type Address,
  glinkFailureOf,
  glinkTransport,
  type ProbeOptions,
  staticResolver,
  systemClock,
} from "../../index.ts";
import { type ProtocolChoice, protocols } from "../arguments.ts";
import { plain } from "../output.ts";

/** What to ask, and how. */
export interface HealthQuestion {
  readonly baseUrl: string;
  readonly tls: NonNullable<ProbeOptions["tls"]>;
  readonly timeoutMs: number;
  readonly protocol: ProtocolChoice;
  readonly service: string;
}

/**
 * - `serving`, `not-serving`: the server's word;
 * - `service-unknown`: it has a health service, which does not know the one that was asked for;
 * - `unimplemented`: it has none, and answers calls;
 * - `refused`: it wants credentials;
 * - `mismatch`: it speaks another protocol, `speaks`;
 * - `not-rpc`: a web page came;
 * - `failed`: the call failed.
 */
export interface HealthAnswer {
  readonly state:
    | "serving"
    | "not-serving"
    | "service-unknown"
    | "unimplemented"
    | "refused"
    | "mismatch"
    | "not-rpc"
    | "failed";
  readonly tookMs: number;
  /** What the server said, where that was no plain answer. */
  readonly message: string | undefined;
  readonly speaks: ProtocolChoice | undefined;
}

/** Calls grpc.health.v1.Health/Check on one address, by a transport of its own. */
export async function askHealth(address: Address, question: HealthQuestion): Promise<HealthAnswer> {
  const answer = await ask(address, question);
  if (answer.state !== "failed" && answer.state !== "not-rpc") return answer;
  for (const protocol of protocols) {
    if (protocol === question.protocol) continue;
    const other = await ask(address, { ...question, protocol });
    if (other.state !== "failed" && other.state !== "not-rpc")
      return { ...answer, state: "mismatch", speaks: protocol };
  }
  return answer;
}

async function ask(
  address: Address,
  { baseUrl, tls, timeoutMs, protocol, service }: HealthQuestion,
): Promise<HealthAnswer> {
  const clock = systemClock();
  let startMs = clock.now();
  const transport = glinkTransport({
    baseUrl,
    protocol,
    resolver: staticResolver([address]),
    nodeOptions: tls,
    connectTimeoutMs: timeoutMs,
    retry: { maxAttempts: 1 },
  });
  try {
    await transport.ready({ timeoutMs });
    startMs = clock.now();
    const { status } = await createClient(Health, transport).check({ service }, { timeoutMs });
    const isServing = status === HealthCheckResponse_ServingStatus.SERVING;
    const message = isServing ? undefined : plain(HealthCheckResponse_ServingStatus[status] ?? `status ${status}`);
    return { state: isServing ? "serving" : "not-serving", tookMs: clock.now() - startMs, message, speaks: undefined };
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    const state = stateOf(error, code, rawMessage);
    return { state, tookMs: clock.now() - startMs, message: plain(`${Code[code]}: ${rawMessage}`), speaks: undefined };
  } finally {
    await transport.close();
  }
}

function stateOf(error: unknown, code: Code, message: string): HealthAnswer["state"] {
  const kind = glinkFailureOf(error)?.kind;
  if (code === Code.Unauthenticated || code === Code.PermissionDenied) return "refused";
  if (kind === "status") {
    if (code === Code.Unimplemented) return "unimplemented";
    return code === Code.NotFound ? "service-unknown" : "failed";
  }
  if (kind !== "http-status") return "failed";
  if (/^HTTP \d+ with text\/html/.test(message)) return "not-rpc";
  // Servers of Connect answer so for a service that they do not have.
  return code === Code.Unimplemented ? "unimplemented" : "failed";
}
