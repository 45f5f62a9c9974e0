/** Backends of the Greeter in this process. */
export interface Backends {
  readonly addresses: readonly string[];
  cut(): void;
  close(): Promise<void>;
}
export declare function startBackends(...listenOn: string[]): Promise<Backends>;
