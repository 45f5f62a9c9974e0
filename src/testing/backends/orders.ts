import { Code, ConnectError } from "@connectrpc/connect";
import { checkFields, checkNumber, described } from "../check.ts";

/** How many calls an order is for. */
export interface OrderOptions {
  /** The next so many calls; those that follow are served. Default `Infinity`: until another order or `recover()`. 1 or more. */
  readonly times?: number;
}

/** What happens to calls in place of being served, or before. */
export type Order =
  | { readonly kind: "status"; readonly error: ConnectError }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "end-stream"; readonly http2Code: number };

const oneOrMore = { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true, infinity: true };

/** The order that holds for the next call: the last that was given, as many times as it was for. */
export class StandingOrder {
  #order: Order | undefined;
  #left = 0;

  give(order: Order, options: OrderOptions): void {
    const { times = Number.POSITIVE_INFINITY } = checkFields("the options of an order", options, ["times"]);
    this.#left = checkNumber("times", times, oneOrMore);
    this.#order = order;
  }

  withdraw(): void {
    this.#order = undefined;
  }

  /** For a call that has come. */
  take(): Order | undefined {
    const order = this.#order;
    if (--this.#left <= 0) this.#order = undefined;
    return order;
  }
}

/** The error that a status is sent for. */
export function statusError(status: Code | ConnectError): ConnectError {
  if (status instanceof ConnectError) return status;
  if (typeof status !== "number" || Code[status] === undefined)
    throw new TypeError(`status takes a Code of Connect's, or a ConnectError, not ${described(status)}`);
  return new ConnectError(`the test's backend answers ${Code[status]}`, status);
}
