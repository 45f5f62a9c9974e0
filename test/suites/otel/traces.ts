import type { OtlpSpan } from "./receiver.ts";

/** A span of the server, as it prints it. */
export interface ServerSpan {
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
}

const service = "glink.demo.v1.EchoService";

/** What is wrong with the trace that the program made, by the spans of both sides. */
export function faultsOf(spans: readonly OtlpSpan[], served: readonly ServerSpan[]): string[] {
  const faults: string[] = [];
  const expect = (what: string, actual: unknown, expected: unknown) => {
    const [shown, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (shown !== wanted) faults.push(`${what}: ${shown}, not ${wanted}`);
  };
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
  return faults;
}
