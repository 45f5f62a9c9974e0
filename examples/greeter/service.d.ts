/** A process of an example's. */
export interface Service {
  readonly url: string;
  stop(): Promise<number | null>;
}
export declare function startService(
  program: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<Service>;
