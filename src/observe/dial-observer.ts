import { type Failure, factOf } from "../base/errors.ts";
import type { ConnectionCounters } from "./connection-counters.ts";
import type { Events } from "./events.ts";
import { OperationChannel, type OperationContext } from "./operation-channel.ts";
import type { SocketFacts } from "./socket-facts.ts";

/** What the tracing channel `glink:connect` publishes of one dial. What is known at the end is set before `error` and `asyncStart`. */
export interface ConnectContext extends OperationContext, Partial<SocketFacts> {
  /** Scheme, host, port and path of `baseUrl`. */
  readonly target: string;
  /** The backend. */
  readonly address: string;
  /** Nobody wanted the connection any more. */
  givenUp?: boolean;
  /** From its begin to its end, in whole milliseconds. Set at the end. */
  durationMs?: number;
}

/** What all dials of a channel are seen by. */
export interface DialObserverContext {
  readonly target: string;
  readonly events: Events;
  readonly counters: ConnectionCounters;
  readonly channel: OperationChannel<ConnectContext>;
}

export function connectChannel(): OperationChannel<ConnectContext> {
  return new OperationChannel("glink:connect");
}

/** Sees one dial from its start to its end: counts it, and publishes it. One that is given up after its end ended before. */
export class DialObserver {
  readonly #context: DialObserverContext;
  readonly #address: string;
  /** For whoever follows it, until it is over. */
  #operation: ConnectContext | undefined;

  constructor(context: DialObserverContext, address: string) {
    const { target, channel } = context;
    this.#context = context;
    this.#address = address;
    if (!channel.isHeard) return;
    this.#operation = { target, address };
    channel.started(this.#operation);
  }

  connected(socket: SocketFacts, maxConcurrentStreams: number, tookMs: number): void {
    const { counters, events } = this.#context;
    const address = this.#address;
    counters.dials.ended(true, tookMs);
    this.#over({ ...socket, durationMs: Math.round(tookMs) });
    if (!events.active) return;
    const { localAddress, alpn, tls } = socket;
    const limit = limitOf(maxConcurrentStreams);
    const facts = { address, tookMs: Math.round(tookMs), localAddress, alpn, tls, maxConcurrentStreams: limit };
    events.publish({ type: "connected", ...facts });
  }

  failed(failure: Failure, tookMs: number): void {
    const { counters, events } = this.#context;
    counters.dials.ended(false, tookMs);
    this.#over({ durationMs: Math.round(tookMs) }, failure);
    if (!events.active) return;
    const error = factOf(failure);
    events.publish({ type: "connect-failed", address: this.#address, tookMs: Math.round(tookMs), error });
  }

  givenUp(): void {
    this.#over({ givenUp: true });
  }

  #over(facts: Partial<ConnectContext>, failure?: Failure): void {
    const operation = this.#operation;
    if (operation === undefined) return;
    this.#operation = undefined;
    Object.assign(operation, facts);
    this.#context.channel.ended(operation, failure === undefined ? undefined : factOf(failure));
  }
}

/** `Infinity` is none, and no JSON. */
export function limitOf(limit: number): number | undefined {
  return limit === Number.POSITIVE_INFINITY ? undefined : limit;
}
