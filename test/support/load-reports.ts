/** What a server reports, by names of its fields. */
export interface Report {
  readonly qps: number;
  readonly cpu?: number;
  readonly application?: number;
  readonly eps?: number;
  readonly metrics?: Readonly<Record<string, number>>;
}

/** Protobuf: a double. */
export function double(number: number, value: number): number[] {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [number * 8 + 1, ...bytes];
}

/** Protobuf: an entry of a map. */
export function entry(number: number, key: string, value: number): number[] {
  const inner = [0x0a, key.length, ...Buffer.from(key), ...double(2, value)];
  return [number * 8 + 2, inner.length, ...inner];
}

/** `OrcaLoadReport`, encoded. */
export function loadReport({ qps, cpu = 0, application = 0, eps = 0, metrics = {} }: Report): Uint8Array {
  const bytes = [...double(1, cpu), ...double(6, qps), ...double(7, eps), ...double(9, application)];
  for (const [name, value] of Object.entries(metrics)) bytes.push(...entry(8, name, value));
  return Uint8Array.from(bytes);
}
