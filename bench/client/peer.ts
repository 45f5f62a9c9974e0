import type { Task } from "./task.ts";

/** A client library, connected to the backends of its task. */
export interface Peer {
  /** One operation of the load, from the request message to the checked last response. */
  run(): Promise<void>;
  close(): void | Promise<void>;
}

/** Connects, and resolves once every backend that the peer can use is connected. */
export type OpenPeer = (task: Task) => Promise<Peer>;

/** A response that is not what the server sends: the benchmark would measure nonsense. */
export function check(got: number, wanted: number, what: string): void {
  if (got !== wanted) throw new Error(`expected ${wanted} ${what}, got ${got}`);
}
