import type { HeaderFields } from "../http2/connection.ts";
import type { ReceivedResponse } from "../protocol/protocol.ts";
import type { CallListener } from "./call.ts";

/** A message as it came. */
export interface ReceivedMessage {
  readonly flag: number;
  readonly payload: Uint8Array;
}

/** An attempt, as far as its response goes. */
export interface AnsweredAttempt {
  readonly response: ReceivedResponse;
  /** The message of a single response, for as long as its status has not come: the gate keeps it here. */
  heldMessage: ReceivedMessage | undefined;
}

/** The call whose responses pass through a gate. */
export interface GateListener {
  /** There will be no further attempt. Once. */
  onCommitted(): void;
}

/**
 * Decides what of its attempts' responses a call's listener is shown, and when. Once something is shown, the call is
 * committed: the attempt that it came from is its last.
 *
 * A call with a single response commits at the end of it: nothing is shown to the user before, and a Connect server
 * answers even errors with headers first. Its message is held back until the status has come, because a server that dies
 * between the two has not answered. Other calls commit at their response headers.
 */
export class ResponseGate {
  readonly #singleResponse: boolean;
  readonly #shownTo: CallListener;
  readonly #listener: GateListener;
  #isCommitted = false;
  #headersShown = false;
  #isClosed = false;

  constructor(singleResponse: boolean, shownTo: CallListener, listener: GateListener) {
    this.#singleResponse = singleResponse;
    this.#shownTo = shownTo;
    this.#listener = listener;
  }

  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /** True once the call has ended: nothing is shown any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The attempt under way is the last, whatever it answers. */
  commit(): void {
    if (this.#isCommitted) return;
    this.#isCommitted = true;
    this.#listener.onCommitted();
  }

  close(): void {
    this.#isClosed = true;
  }

  /** An attempt's headers have come, and do not end its response. */
  headers(fields: HeaderFields): void {
    if (!this.#singleResponse) this.#showHeaders(fields);
  }

  /** A message of an attempt has come. */
  message(attempt: AnsweredAttempt, flag: number, payload: Uint8Array): void {
    if (!this.#singleResponse || this.#headersShown) {
      this.#show(attempt, flag, payload);
    } else if (attempt.heldMessage === undefined) {
      attempt.heldMessage = { flag, payload };
    } else {
      // One too many: the caller's to judge.
      this.#showHeld(attempt);
      this.#show(attempt, flag, payload);
    }
  }

  /** The attempt ended well: all of its response may be shown. */
  succeeded(attempt: AnsweredAttempt): void {
    this.#showHeaders(attempt.response.headers);
    this.#showHeld(attempt);
  }

  #showHeld(attempt: AnsweredAttempt): void {
    const message = attempt.heldMessage;
    attempt.heldMessage = undefined;
    if (message !== undefined) this.#show(attempt, message.flag, message.payload);
  }

  #showHeaders(fields: HeaderFields): void {
    this.commit();
    // Whoever heard of that may have cancelled the call.
    if (this.#headersShown || this.#isClosed) return;
    this.#headersShown = true;
    this.#shownTo.onHeaders(fields);
  }

  #show(attempt: AnsweredAttempt, flag: number, payload: Uint8Array): void {
    if (!this.#headersShown) this.#showHeaders(attempt.response.headers);
    // Whoever was shown the headers may have cancelled the call.
    if (!this.#isClosed) this.#shownTo.onMessage(flag, payload);
  }
}
