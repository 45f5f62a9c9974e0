import type { Address } from "../endpoint/address.ts";
import { Late } from "../runtime/late.ts";
import type { Connection, ConnectionListener, Connector } from "./connection.ts";

/** An engine that is a module of its own, and is loaded before it first dials. */
export class LazyConnector implements Connector {
  readonly #engine: Late<Connector>;

  constructor(load: () => Promise<Connector>) {
    this.#engine = new Late(load);
  }

  prepare(): void {
    // What is wrong is said by the dials: each of them tries again.
    this.#engine.get().catch(() => undefined);
  }

  async connect(address: Address, listener: ConnectionListener, signal: AbortSignal): Promise<Connection> {
    const engine = await this.#engine.get();
    return engine.connect(address, listener, signal);
  }
}
