import type { Failure } from "../base/errors.ts";
import type { Connector } from "../http2/connection.ts";
import type { PendingConnection, PendingConnectionOwner } from "./pending-connection.ts";

/** The subchannel whose connection is to be replaced. */
export interface RenewalOwner {
  /** The successor is ready: the elder can go. */
  successorReady(successor: PendingConnection): void;
  /** There is no successor: the elder goes on. */
  successorFailed(successor: PendingConnection, failure: Failure): void;
}

/** Make-before-break: a successor is being dialled while its elder serves. */
export class Renewal implements PendingConnectionOwner {
  /** Tells whoever asked for the renewal whether the elder was replaced. */
  readonly done: (replaced: boolean) => void;
  readonly #owner: RenewalOwner;
  readonly #successor: PendingConnection;

  constructor(
    owner: RenewalOwner,
    newDial: (owner: PendingConnectionOwner) => PendingConnection,
    done: (replaced: boolean) => void,
  ) {
    this.#owner = owner;
    this.done = done;
    this.#successor = newDial(this);
  }

  start(connector: Connector): void {
    this.#successor.start(connector);
  }

  dialSucceeded(successor: PendingConnection): void {
    this.#owner.successorReady(successor);
    this.done(true);
  }

  dialFailed(successor: PendingConnection, failure: Failure): void {
    this.#owner.successorFailed(successor, failure);
    this.done(false);
  }

  /** The elder is lost: its successor's dial becomes the reconnection, whose end `owner` hears. */
  handOver(owner: PendingConnectionOwner): PendingConnection {
    this.#successor.owner = owner;
    return this.#successor;
  }

  /** Nobody wants the successor any more. */
  giveUp(): void {
    this.#successor.giveUp();
    this.done(false);
  }
}
