import { connectionFailure, type Failure } from "../base/errors.ts";
import { describeCause } from "../base/thrown.ts";
import type { Address } from "../endpoint/address.ts";
import { formatAddress } from "../endpoint/address.ts";
import { type Connection, type Connector, DialError } from "../http2/connection.ts";
import { inBackground } from "../runtime/background.ts";
import type { LiveConnection } from "./live-connection.ts";

/** Told how a dial ends: exactly one of the two, once, unless it was given up. */
export interface PendingConnectionOwner {
  /** The connection is in service: `pending.live` has begun. */
  dialSucceeded(pending: PendingConnection): void;
  dialFailed(pending: PendingConnection, failure: Failure): void;
}

/** One dial under way, and the connection it is to become. */
export class PendingConnection {
  readonly live: LiveConnection;
  readonly startedMs: number;
  owner: PendingConnectionOwner;
  readonly #address: Address;
  readonly #abort = new AbortController();

  constructor(address: Address, live: LiveConnection, startedMs: number, owner: PendingConnectionOwner) {
    this.#address = address;
    this.live = live;
    this.startedMs = startedMs;
    this.owner = owner;
  }

  /** Dials. The owner hears of the end in a later microtask. */
  start(connector: Connector): void {
    // A call that failed may be the reason for it.
    inBackground(() =>
      connector.connect(this.#address, this.live, this.#abort.signal).then(
        (connection) => this.#connected(connection),
        (error: unknown) => this.#failed(error),
      ),
    );
  }

  /** Nobody wants the connection any more: the owner hears nothing, and what comes all the same is closed. */
  giveUp(): void {
    this.#abort.abort(new Error("the connection is no longer wanted"));
  }

  #connected(connection: Connection): void {
    if (this.#abort.signal.aborted) {
      connection.close(this.#failure("idle", "the connection is no longer wanted"));
    } else if (!this.live.begin(connection)) {
      const failure = this.#failure("connection-lost", "the connection ended as soon as it was made");
      // A GOAWAY ended it for us, but not its socket.
      connection.close(failure);
      this.owner.dialFailed(this, failure);
    } else if (connection.maxConcurrentStreams === 0) {
      const failure = this.#failure("no-streams", "the server allows no streams (MAX_CONCURRENT_STREAMS is 0)");
      connection.close(failure);
      this.owner.dialFailed(this, failure);
    } else {
      this.owner.dialSucceeded(this);
    }
  }

  #failed(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const failure =
      error instanceof DialError
        ? error.failure
        : this.#failure("connection-error", `cannot connect: ${describeCause(error)}`, error);
    this.owner.dialFailed(this, failure);
  }

  #failure(kind: "connection-lost" | "connection-error" | "no-streams" | "idle", message: string, cause?: unknown) {
    return connectionFailure(kind, formatAddress(this.#address), "unsent", message, cause);
  }
}
