import type { Published } from "./scenario.ts";

/** A span of the server, as it prints it. */
export interface ServerSpan {
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
}

const service = "glink.demo.v1.EchoService";

/** Compares as JSON. Returns what is wrong so far. */
function expectations(): { faults: string[]; expect(what: string, actual: unknown, expected: unknown): void } {
  const faults: string[] = [];
  return {
    faults,
    expect(what, actual, expected) {
      const [shown, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
      if (shown !== wanted) faults.push(`${what}: ${shown}, not ${wanted}`);
    },
  };
}

function missing(metrics: ReadonlySet<string>, names: readonly string[]): string[] {
  return names.filter((name) => !metrics.has(name)).map((name) => `no metric ${name} was exported`);
}

/** What is wrong with what the guide's program published: one call. */
export function faultsOfGuide({ spans, served, metrics }: Published): string[] {
  const { faults, expect } = expectations();
  expect(
    "client spans",
    spans.map(({ name, kind }) => [name, kind]),
    [[`${service}/Unary`, 3]],
  );
  expect(
    "parents of server spans",
    served.map(({ parentSpanId }) => parentSpanId),
    spans.map(({ spanId }) => spanId),
  );
  return [...faults, ...missing(metrics, ["rpc.client.call.duration", "grpc.client.attempt.started"])];
}

/** What is wrong with what was published where others make spans, too. */
export function faultsBeside({ spans, served, metrics }: Published): string[] {
  const { faults, expect } = expectations();
  const inTraceOf = (root: string) => {
    const traceId = spans.find(({ name }) => name === root)?.traceId;
    return spans.filter((span) => span.traceId === traceId && span.name !== root);
  };
  const calls = inTraceOf("request");
  const others = inTraceOf("others");
  expect("spans in other traces", spans.length - calls.length - others.length, 2);
  // One for each call, and none of what lies below: the dials, the lookups, the streams.
  expect(
    "spans of the request",
    calls.map(({ name, kind }) => [name, kind]),
    Array.from({ length: 2 }, () => [`${service}/Unary`, 3]),
  );
  const isOf = (name: string) => others.filter((span) => span.name === name);
  expect("spans of undici's instrumentation", isOf("POST").length, 1);
  const [byGrpcJs, ...more] = isOf(`grpc.${service}/Unary`);
  expect("further spans of grpc-js' instrumentation", more, []);
  expect(
    "parents of server spans",
    served.map(({ parentSpanId }) => parentSpanId).sort(),
    [...calls.map(({ spanId }) => spanId), byGrpcJs?.spanId].sort(),
  );
  return [...faults, ...missing(metrics, ["rpc.client.call.duration", "grpc.client.attempt.started"])];
}

/** What is wrong with the trace that the program made, by the spans of both sides. */
export function faultsOf({ spans, served, metrics }: Published): string[] {
  const { faults, expect } = expectations();
  const named = (name: string) => spans.filter((span) => span.name === name);
  const [request] = named("request");
  const calls = [...named(`${service}/Unary`), ...named(`${service}/ServerStream`)];
  const attempts = named(`Attempt.${service}.Unary`);
  expect("traces", new Set([...spans, ...served].map(({ traceId }) => traceId)).size, 1);
  expect("client spans", spans.length, 6);
  expect(
    "parents of calls",
    calls.map(({ parentSpanId, kind }) => [parentSpanId, kind]),
    Array.from({ length: 3 }, () => [request?.spanId, 3]),
  );
  const repeated = calls.find(({ events }) => events.some(({ name }) => name === "glink.attempt.failed"));
  expect(
    "parents of attempts",
    attempts.map(({ parentSpanId, kind }) => [parentSpanId, kind]),
    [
      [repeated?.spanId, 1],
      [repeated?.spanId, 1],
    ],
  );
  // Each server span has a parent of its own: a call, or the attempt that it was.
  expect(
    "server spans",
    served.map(({ kind }) => kind),
    Array.from({ length: 5 }, () => "server"),
  );
  const parents = [...calls, ...attempts].map(({ spanId }) => spanId).sort();
  expect("parents of server spans", served.map(({ parentSpanId }) => parentSpanId).sort(), parents);
  return [...faults, ...missing(metrics, ["rpc.client.call.duration", "grpc.client.attempt.started", "glink.retries"])];
}
