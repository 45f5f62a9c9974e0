import { inspect } from "node:util";
import { Code } from "@connectrpc/connect";
import type { MethodSpec } from "../../base/method-spec.ts";
import { hedgingRefusal } from "../hedging/hedging-refusal.ts";
import type { Origins } from "./layers.ts";
import type { MethodPolicy } from "./method-config.ts";

/** A value of a method's policy, and what set it. */
export interface ExplainedValue {
  /** Its path: `retry.maxAttempts`. */
  readonly name: string;
  /** What holds: a number, a text, a list or such; undefined where nothing is set. */
  readonly value: unknown;
  /** `methods["pkg.Service/Method"]`, `serviceConfig.methodConfig[0]`, `transport` or `default`, say. */
  readonly origin: string;
}

/** What holds for the calls of a method that ask for nothing themselves. */
export interface PolicyExplanation {
  /** `package.Service/Method`. */
  readonly method: string;
  /** Each value that holds for its calls, and what set it. */
  readonly values: readonly ExplainedValue[];
  /** What the values do not say by themselves: that the method is not hedged, say, and why. */
  readonly notes: readonly string[];
  /** A table for people; `console.log` prints it too. */
  toString(): string;
}

export function explanationOf(
  method: Pick<MethodSpec, "service" | "name"> & Partial<MethodSpec>,
  { policy, origins }: { readonly policy: MethodPolicy; readonly origins: Origins },
  defaultTimeoutMs: number | undefined,
): PolicyExplanation {
  const name = `${method.service}/${method.name}`;
  const values = valuesOf(policy).map(([path, value]) => {
    const origin = origins.get(path) ?? "default";
    if (path !== "timeoutMs" || value !== undefined || defaultTimeoutMs === undefined)
      return { name: path, value, origin };
    return { name: path, value: defaultTimeoutMs, origin: "transport, for calls that name none" };
  });
  const notes = notesOn(method, policy);
  const table = () => tableOf(name, values, notes);
  return Object.freeze(
    Object.defineProperties(
      { method: name, values, notes },
      { toString: { value: table }, [inspect.custom]: { value: table } },
    ),
  ) as PolicyExplanation;
}

function valuesOf({ timeoutMs, waitForReady, retry, hedging }: MethodPolicy): readonly (readonly [string, unknown])[] {
  return [
    ["timeoutMs", timeoutMs],
    ["waitForReady", waitForReady],
    ...fieldsOf("retry", retry),
    ...fieldsOf("hedging", hedging),
  ];
}

function fieldsOf(name: string, options: object | false): (readonly [string, unknown])[] {
  if (options === false) return [[name, false]];
  return Object.entries(options)
    .filter(([field]) => !ofTransport.has(field))
    .map(([field, value]) => [`${name}.${field}`, value]);
}

/** What holds for all calls of the transport together is no method's. */
const ofTransport = new Set(["budget", "bufferTotalMaxBytes"]);

function notesOn(method: Partial<MethodSpec>, { hedging }: MethodPolicy): readonly string[] {
  if (hedging === false) return [];
  const { singleRequest, idempotency } = method;
  if (singleRequest === undefined || idempotency === undefined) return ["hedging depends on the method's descriptor"];
  const refusal = hedgingRefusal({ singleRequest, idempotency }, hedging);
  return refusal === undefined
    ? ["its calls hedge, and are not retried by policy"]
    : [`its calls do not hedge: ${refusal}`];
}

function tableOf(method: string, values: readonly ExplainedValue[], notes: readonly string[]): string {
  const rows = values.map(({ name, value, origin }) => [name, textOf(name, value), origin] as const);
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length));
  const [names, texts] = [width(0), width(1)];
  const lines = rows.map(([name, text, origin]) => `  ${name.padEnd(names)}  ${text.padEnd(texts)}  ${origin}`);
  return [method, ...lines, ...notes.map((note) => `  (${note})`)].join("\n");
}

function textOf(name: string, value: unknown): string {
  if (/odes$/.test(name) && Array.isArray(value)) return value.map((code: Code) => Code[code]).join(", ") || "none";
  return value === undefined ? "none" : String(value);
}
