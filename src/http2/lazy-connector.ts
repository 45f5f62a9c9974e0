import type { Address } from "../endpoint/address.ts";
import type { Connection, ConnectionListener, Connector } from "./connection.ts";

/** An engine that is loaded when it first dials: a module of its own, which most processes never need. */
export class LazyConnector implements Connector {
  readonly #load: () => Promise<Connector>;
  #engine: Promise<Connector> | undefined;

  constructor(load: () => Promise<Connector>) {
    this.#load = load;
  }

  async connect(address: Address, listener: ConnectionListener, signal: AbortSignal): Promise<Connection> {
    this.#engine ??= this.#load();
    const engine = await this.#engine;
    return engine.connect(address, listener, signal);
  }
}
