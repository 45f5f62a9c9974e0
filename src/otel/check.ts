/** Returns `value`, or throws a TypeError that names the option. */
export function checkObject<T extends object>(name: string, value: T): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object, not ${described(value)}`);
  }
  return value;
}

/** Throws a TypeError that names a field which means nothing, and those that do. */
export function checkFields(name: string, value: object, known: readonly string[]): void {
  for (const field of Object.keys(value)) {
    if (!known.includes(field)) throw new TypeError(`${name} has no field "${field}": it knows ${known.join(", ")}`);
  }
}

export function checkBoolean(name: string, value: boolean): boolean {
  if (typeof value !== "boolean") throw new TypeError(`${name} must be true or false, not ${described(value)}`);
  return value;
}

export function checkOneOf<T>(name: string, value: T, known: readonly T[]): T {
  if (known.includes(value)) return value;
  const choices = known.map((one) => JSON.stringify(one)).join(", ");
  throw new TypeError(`${name} must be one of ${choices}, not ${described(value)}`);
}

export function checkList<T>(name: string, value: readonly T[]): readonly T[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be a list, not ${described(value)}`);
  return value;
}

/** What is given is an object of OpenTelemetry's: it is known by its method. */
export function checkMethods(name: string, value: object, method: string): void {
  const found = (value as Record<string, unknown> | null)?.[method];
  if (typeof found !== "function") {
    throw new TypeError(
      `${name} must be false or have a method ${method}, as OpenTelemetry's have; it is ${described(value)}`,
    );
  }
}

export function checkFilter<T>(filter: (given: T) => boolean): (given: T) => boolean {
  if (typeof filter !== "function") throw new TypeError(`filter must be a function, not ${described(filter)}`);
  return filter;
}

function described(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}
