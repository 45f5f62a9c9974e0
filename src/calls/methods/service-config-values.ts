import { Code } from "@connectrpc/connect";
import { describeValue } from "../../base/check.ts";

/** The longest duration of protobuf, in seconds: ten thousand years. */
const longestSeconds = 315_576_000_000;

/**
 * A duration as protobuf's JSON writes it: `"1.5s"`, or `".5s"`, as gRFC A6 does. Returns milliseconds, or throws an error
 * that names the path.
 */
export function durationMs(path: string, value: unknown, range: "from 0" | "above 0"): number {
  const wanted = `${path} must be a duration like "1.5s", ${range} to ${longestSeconds}s`;
  if (typeof value !== "string") throw new TypeError(`${wanted}, not ${describeValue(value)}`);
  const [, digits] = /^(-?(?:\d+(?:\.\d{1,9})?|\.\d{1,9}))s$/.exec(value) ?? [];
  if (digits === undefined) throw new TypeError(`${wanted}, not ${describeValue(value)}`);
  const seconds = Number(digits);
  if (seconds < 0 || seconds > longestSeconds || (seconds === 0 && range === "above 0")) {
    throw new RangeError(`${wanted}, not ${describeValue(value)}`);
  }
  // Of whole nanoseconds: 0.0571 × 1 000 is not quite 57.1.
  return Math.round(seconds * 1e9) / 1e6;
}

/** Status codes by gRPC's name, in any case, or by number. Throws an error that names the path. */
export function codesOf(path: string, value: unknown): readonly Code[] {
  if (!Array.isArray(value)) throw new TypeError(`${path} must be an array of codes, not ${describeValue(value)}`);
  return Object.freeze(value.map((one: unknown, i) => codeOf(`${path}[${i}]`, one)));
}

function codeOf(path: string, value: unknown): Code {
  const code = typeof value === "string" ? codeNamed(value.toUpperCase()) : value;
  if (typeof code === "number" && code in Code) return code;
  throw new RangeError(
    `${path} must be a code like "UNAVAILABLE" or a number from 1 to 16, not ${describeValue(value)}`,
  );
}

/** `DEADLINE_EXCEEDED` is DeadlineExceeded. gRPC spells one of them in another way. */
function codeNamed(name: string): string | Code | undefined {
  if (name === "CANCELLED") return Code.Canceled;
  const isNamed = ([key]: [string, unknown]) => key.replaceAll(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase() === name;
  return Object.entries(Code).find(isNamed)?.[1];
}
