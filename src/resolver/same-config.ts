/** Whether two service configs, as resolvers bring them, say the same: what was read again is another object each time. */
export function sameConfig(one: object | string | undefined, other: object | string | undefined): boolean {
  return one === other || textOf(one) === textOf(other);
}

function textOf(config: object | string | undefined): string | undefined {
  return config instanceof Error || typeof config !== "object" ? config?.toString() : JSON.stringify(config);
}
