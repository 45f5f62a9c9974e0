/** What a number option may be. Both ends belong to the range. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** Whole numbers only. */
  readonly integer?: boolean;
  /** `Infinity` is allowed beside the range, and means this. */
  readonly infinity?: string;
}

/** The longest time any option takes: ten years. Beyond it, `Infinity` says what is meant. */
export const longestMs = 315_576_000_000;

/** Returns `value`, or throws an error that names the option, the value and the range. */
export function checkNumber(name: string, value: unknown, range: NumberRange): number {
  const { min, max, integer = false, infinity } = range;
  const kind = integer ? "an integer" : "a number";
  const or = infinity === undefined ? "" : `, or Infinity (${infinity})`;
  const wanted = `must be ${kind} from ${min} to ${max}${or}`;
  if (typeof value !== "number") throw new TypeError(`${name} ${wanted}, not ${describeValue(value)}`);
  if (value === Number.POSITIVE_INFINITY && infinity !== undefined) return value;
  const inRange = value >= min && value <= max && (!integer || Number.isInteger(value));
  if (!inRange) throw new RangeError(`${name} ${wanted}, not ${value}`);
  return value;
}

/** Returns `value`, or throws a TypeError that names the option. */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError(`${name} must be true or false, not ${describeValue(value)}`);
  return value;
}

/** Returns `value`, or throws a TypeError that names the option. */
export function checkObject<T extends object>(name: string, value: T, wanted = "an object"): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be ${wanted}, not ${describeValue(value)}`);
  }
  return value;
}

/**
 * Returns `value`, or throws a TypeError that names the option. A signal need not be Node's own: polyfills and test
 * environments bring theirs.
 */
export function checkSignal(name: string, value: AbortSignal | undefined): AbortSignal | undefined {
  if (value === undefined) return value;
  const { aborted, addEventListener, removeEventListener } = (value ?? {}) as Partial<AbortSignal>;
  const isSignal =
    typeof aborted === "boolean" && typeof addEventListener === "function" && typeof removeEventListener === "function";
  if (!isSignal) throw new TypeError(`${name} must be an AbortSignal, not ${describeValue(value)}`);
  return value;
}

/** Throws a TypeError that names a field of the option that means nothing, and the ones that do. */
export function checkNames(name: string, value: object, known: readonly string[]): void {
  for (const field of Object.keys(value)) {
    if (!known.includes(field)) throw new TypeError(`${name} has no field "${field}": it knows ${known.join(", ")}`);
  }
}

/** Absent and undefined mean the default; null is a value, and a wrong one. */
export function orDefault<T>(value: T | undefined, fallback: T): T {
  return value === undefined ? fallback : value;
}

/** Without fields that are present and undefined: those mean the default. */
export function definedFields<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** What an error message says in place of a text with "@" in it: what stands before that may be a password. */
const notShown = 'not shown because of its "@"';

/** An "@" in each spelling that people take for one, or that a URL parser does: escaped, full width, small. */
const at = /@|%40|\uff20|\ufe6b/i;

/** Whether the text may be a URL with credentials. */
export function mayHoldPassword(text: string): boolean {
  return at.test(text);
}

/** A text as an error message quotes it. */
export function quoted(text: string): string {
  return mayHoldPassword(text) ? `(${notShown})` : JSON.stringify(text);
}

/** A URL as an error message quotes it: without query and fragment, which may hold a token. */
export function quotedUrl(text: string): string {
  return quoted(mayHoldPassword(text) ? text : text.replace(/(?<=[?#]).+$/s, "..."));
}

/** A value as an error message shows it. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return `the string ${quoted(value)}`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return isArray(value) ? "an array" : "an object";
}

/** A revoked Proxy throws when it is asked. */
function isArray(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}
