import { setTimeout as sleep } from "node:timers/promises";
import { type Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { Behavior, EchoService, Served } from "../proto/gen/glink/demo/v1/echo_pb.js";

/** What one backend has done so far. */
export interface EchoCounters {
  /** Handler executions, all methods. */
  executions: number;
  /** Executions by request id, for those that carry one. */
  readonly byRequestId: Map<string, number>;
  /** Handlers that run now, and the most that ever did at once. */
  running: number;
  maxRunning: number;
  /** Calls whose client went away before the handler was done. */
  aborted: number;
}

export function newCounters(): EchoCounters {
  return { executions: 0, byRequestId: new Map(), running: 0, maxRunning: 0, aborted: 0 };
}

type ServedInit = Omit<Served, "$typeName" | "$unknown">;

/** What a handler is told about its call: the part of Connect's HandlerContext that any server can provide. */
export type EchoContext = Pick<HandlerContext, "requestHeader" | "responseHeader" | "responseTrailer" | "signal">;

/** The echo service: does what each request's behaviour says, and tells which backend served it. */
export function echoService(backend: () => string, counters: EchoCounters): ServiceImpl<typeof EchoService> {
  /** Counts the execution, waits, and fails if it should. */
  async function serve(behavior: Behavior | undefined, context: EchoContext): Promise<ServedInit> {
    const execution = count(counters, behavior?.requestId ?? "");
    if (behavior !== undefined && behavior.delayMs > 0) await delay(behavior.delayMs, context);
    const served = {
      backend: backend(),
      execution,
      previousAttempts: context.requestHeader.get("grpc-previous-rpc-attempts") ?? "",
      timeout: context.requestHeader.get("grpc-timeout") ?? "",
    };
    if (behavior !== undefined) failIfAsked(behavior, execution);
    return served;
  }

  async function delay(ms: number, context: EchoContext): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: context.signal });
    } catch {
      counters.aborted++;
      throw ConnectError.from(context.signal.reason);
    }
  }

  async function running<T>(work: () => Promise<T>): Promise<T> {
    counters.running++;
    counters.maxRunning = Math.max(counters.maxRunning, counters.running);
    try {
      return await work();
    } finally {
      counters.running--;
    }
  }

  return {
    unary: (request, context) =>
      running(async () => {
        echoMetadata(context);
        const served = await serve(request.behavior, context);
        const payload = request.responseBytes > 0 ? new Uint8Array(request.responseBytes) : request.payload;
        return { text: request.text, payload, served };
      }),
    unaryIdempotent: (request, context) =>
      running(async () => ({ text: request.text, served: await serve(request.behavior, context) })),
    async *serverStream(request, context) {
      echoMetadata(context);
      const { behavior, failAfter, count: total, intervalMs, messageBytes, text } = request;
      const served = await serve(failAfter > 0 ? undefined : behavior, context);
      const payload = new Uint8Array(messageBytes);
      for (let index = 0; index < total; index++) {
        if (failAfter > 0 && index === failAfter && behavior !== undefined) failIfAsked(behavior, 1);
        if (intervalMs > 0) await delay(intervalMs, context);
        yield { text, index, payload, served };
      }
    },
    async clientStream(requests, context) {
      echoMetadata(context);
      let received = 0;
      let bytes = 0;
      let text = "";
      let behavior: Behavior | undefined;
      for await (const request of requests) {
        received++;
        bytes += request.payload.length;
        text = request.text;
        behavior ??= request.behavior;
      }
      const served = await serve(behavior, context);
      return { text, count: received, payloadBytes: BigInt(bytes), served };
    },
    async *bidi(requests, context) {
      echoMetadata(context);
      for await (const { text, payload, behavior } of requests) {
        yield { text, payload, served: await serve(behavior, context) };
      }
    },
  };
}

function count(counters: EchoCounters, requestId: string): number {
  counters.executions++;
  if (requestId === "") return 1;
  const execution = (counters.byRequestId.get(requestId) ?? 0) + 1;
  counters.byRequestId.set(requestId, execution);
  return execution;
}

function failIfAsked(behavior: Behavior, execution: number): void {
  const { failCode, failAttempts, failMessage, pushbackMs } = behavior;
  if (failCode === 0 || (failAttempts > 0 && execution > failAttempts)) return;
  const metadata = pushbackMs === "" ? undefined : { "grpc-retry-pushback-ms": pushbackMs };
  throw new ConnectError(failMessage, failCode as Code, metadata);
}

/** Request metadata whose name starts with `x-echo-` comes back as header; with `x-trailer-`, as trailer. */
function echoMetadata(context: EchoContext): void {
  context.requestHeader.forEach((value, name) => {
    if (name.startsWith("x-echo-")) context.responseHeader.append(name, value);
    if (name.startsWith("x-trailer-")) context.responseTrailer.append(name, value);
  });
}
