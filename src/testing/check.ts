/** What a number may be. Both ends belong to the range. */
interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly integer?: boolean;
  /** `Infinity` is allowed beside the range. */
  readonly infinity?: boolean;
}

/** Returns `value`, or throws an error that names what it is for, the value and the range. */
export function checkNumber(name: string, value: number, range: NumberRange): number {
  const { min, max, integer = false, infinity = false } = range;
  const kind = integer ? "an integer" : "a number";
  const wanted = `must be ${kind} from ${min} to ${max}${infinity ? ", or Infinity" : ""}`;
  if (typeof value !== "number") throw new TypeError(`${name} ${wanted}, not ${described(value)}`);
  if (infinity && value === Number.POSITIVE_INFINITY) return value;
  if (!(value >= min && value <= max) || (integer && !Number.isInteger(value)))
    throw new RangeError(`${name} ${wanted}, not ${value}`);
  return value;
}

/** Returns `value`, or throws a TypeError that says what it must be, and names a field that means nothing. */
export function checkFields<T extends object>(name: string, value: T, known: readonly string[]): T {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`${name} must be an object, not ${described(value)}`);
  for (const field of Object.keys(value)) {
    if (!known.includes(field)) throw new TypeError(`${name} has no field "${field}": it knows ${known.join(", ")}`);
  }
  return value;
}

/** Returns `value`, which is known by its methods, or throws a TypeError. */
export function checkMethods<T extends object>(name: string, value: T, methods: readonly string[]): T {
  for (const method of methods) {
    if (typeof (value as Record<string, unknown> | null | undefined)?.[method] !== "function")
      throw new TypeError(`${name} must have a method ${method}; it is ${described(value)}`);
  }
  return value;
}

export function checkFunction<T>(name: string, value: T): T {
  if (typeof value !== "function") throw new TypeError(`${name} must be a function, not ${described(value)}`);
  return value;
}

export function checkText(name: string, value: string): string {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string, not ${described(value)}`);
  return value;
}

/** A value as an error message shows it. */
export function described(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}
