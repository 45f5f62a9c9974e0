import type { Failure } from "../base/errors.ts";
import type { Connector } from "../http2/connection.ts";
import type { DialedConnection, EndpointDial, EndpointDialListener } from "./endpoint-dial.ts";
import type { LiveConnection } from "./live-connection.ts";

/** Told what comes of dials that are made while other connections serve. */
export interface RenewalsListener {
  /** Without an elder it serves beside the others; with one, the elder can go. */
  onSuccessor(dialed: DialedConnection, elder: LiveConnection | undefined): void;
  /** The elder, if there is one, goes on. */
  onSuccessorFailed(failure: Failure, dialStartedMs: number, elder: LiveConnection | undefined): void;
}

/** A dial that is to bring a connection in place of `elder`, or beside those that there are. */
export interface Renewal {
  readonly dial: EndpointDial;
  elder: LiveConnection | undefined;
  /** Tells whoever asked, once, whether there is a new connection. */
  readonly done: (succeeded: boolean) => void;
}

const none: readonly Renewal[] = Object.freeze([]);

/** Make-before-break: connections that are being dialled while others of the same backend serve. */
export class Renewals {
  readonly #connector: Connector;
  readonly #newDial: (listener: EndpointDialListener) => EndpointDial;
  readonly #listener: RenewalsListener;
  /** Few at a time, and most of the time none. */
  #renewals: readonly Renewal[] = none;

  constructor(
    connector: Connector,
    newDial: (listener: EndpointDialListener) => EndpointDial,
    listener: RenewalsListener,
  ) {
    this.#connector = connector;
    this.#newDial = newDial;
    this.#listener = listener;
  }

  /** Dials that take no elder's place. */
  get joining(): number {
    let joining = 0;
    for (const { elder } of this.#renewals) if (elder === undefined) joining++;
    return joining;
  }

  isRenewing(live: LiveConnection): boolean {
    for (const { elder } of this.#renewals) if (elder === live) return true;
    return false;
  }

  /** Dials a successor of `elder`, or one more connection. `done` is called once. */
  begin(elder: LiveConnection | undefined, done: (succeeded: boolean) => void): void {
    const dial = this.#newDial({
      onConnected: (dialed) => {
        this.#remove(renewal);
        this.#listener.onSuccessor(dialed, renewal.elder);
        done(true);
      },
      onFailed: (failure, dialStartedMs) => {
        this.#remove(renewal);
        this.#listener.onSuccessorFailed(failure, dialStartedMs, renewal.elder);
        done(false);
      },
    });
    const renewal: Renewal = { dial, elder, done };
    this.#renewals = [...this.#renewals, renewal];
    dial.start(this.#connector);
  }

  /** What was to take its place will serve beside those that are left. */
  elderLeft(live: LiveConnection): void {
    for (const renewal of this.#renewals) if (renewal.elder === live) renewal.elder = undefined;
  }

  /** No connection is left: a dial under way, if there is one, becomes the reconnection, whose end `listener` hears. */
  handOver(listener: EndpointDialListener): Renewal | undefined {
    const [renewal] = this.#renewals;
    if (renewal === undefined) return undefined;
    this.#remove(renewal);
    renewal.dial.listener = listener;
    return renewal;
  }

  /** Nobody wants them any more. */
  giveUp(): void {
    for (const renewal of this.#renewals) {
      this.#remove(renewal);
      renewal.dial.giveUp();
      renewal.done(false);
    }
  }

  #remove(renewal: Renewal): void {
    this.#renewals = this.#renewals.filter((other) => other !== renewal);
  }
}
