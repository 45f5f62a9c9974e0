import { connectionFailure, type Failure } from "../base/errors.ts";
import { describeCause } from "../base/thrown.ts";
import { type Address, formatAddress } from "../endpoint/address.ts";
import { type Connection, type Connector, DialError } from "../http2/connection.ts";

/** Told how a dial ends: exactly one of the two, once, unless it was given up. */
export interface DialListener {
  /** The peer has sent its SETTINGS, and takes calls. Whoever hears it becomes the connection's listener at once. */
  onConnected(connection: Connection, address: string): void;
  onFailed(failure: Failure): void;
}

/** One dial of one address. */
export class AddressDial {
  readonly #address: Address;
  readonly #listener: DialListener;
  readonly #abort = new AbortController();
  /** The connection ended while it was ours. */
  #connectionEnded = false;
  #over = false;

  constructor(address: Address, listener: DialListener) {
    this.#address = address;
    this.#listener = listener;
  }

  /** The listener hears of the end in a later microtask. */
  start(connector: Connector): void {
    const ended = () => {
      this.#connectionEnded = true;
    };
    const listener = { onDraining: ended, onCapacity: () => undefined, onClosed: ended };
    connector.connect(this.#address, listener, this.#abort.signal).then(
      (connection) => this.#connected(connection),
      (error: unknown) => this.#failed(error),
    );
  }

  /** Nobody wants the connection any more: the listener hears nothing, and what comes all the same is closed. */
  giveUp(): void {
    if (!this.#over) this.#abort.abort(new Error("the connection is no longer wanted"));
  }

  #connected(connection: Connection): void {
    this.#over = true;
    if (this.#abort.signal.aborted) {
      connection.close(this.#failure("idle", "the connection is no longer wanted"));
    } else if (this.#connectionEnded) {
      // A GOAWAY ended it for us, but not its socket.
      this.#refuse(connection, this.#failure("connection-lost", "the connection ended as soon as it was made"));
    } else if (connection.maxConcurrentStreams === 0) {
      this.#refuse(
        connection,
        this.#failure("no-streams", "the server allows no streams (MAX_CONCURRENT_STREAMS is 0)"),
      );
    } else {
      this.#listener.onConnected(connection, formatAddress(this.#address));
    }
  }

  #refuse(connection: Connection, failure: Failure): void {
    connection.close(failure);
    this.#listener.onFailed(failure);
  }

  #failed(error: unknown): void {
    this.#over = true;
    if (this.#abort.signal.aborted) return;
    const failure =
      error instanceof DialError
        ? error.failure
        : this.#failure("connection-error", `cannot connect: ${describeCause(error)}`, error);
    this.#listener.onFailed(failure);
  }

  #failure(kind: "connection-lost" | "connection-error" | "no-streams" | "idle", message: string, cause?: unknown) {
    return { ...connectionFailure(kind, formatAddress(this.#address), "unsent", message), cause };
  }
}
