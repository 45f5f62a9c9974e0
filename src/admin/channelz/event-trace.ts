import type { GlinkEvent } from "../../index.ts";
import { type EventListener, hearWeakly } from "../history/hearing.ts";
import { Ring } from "../history/ring.ts";
import type { WatchedTransport } from "../transports.ts";

/** Between what grpc-js and grpc-go keep of a channel, for all its backends together. */
const maxEvents = 100;

/** What happened to a channel and its subchannels. Single attempts are too many for it. */
export class EventTrace {
  readonly #events = new Ring<GlinkEvent>(maxEvents);
  #heard = 0;
  /** Held here, and weakly by the subscription: it lives as long as this trace. */
  readonly #listener: EventListener = { onEvent: (event) => this.#hear(event) };

  constructor(transport: WatchedTransport) {
    hearWeakly(transport, this.#listener);
  }

  /** Since the trace began. */
  get heard(): number {
    return this.#heard;
  }

  /** The eldest first. */
  get events(): readonly GlinkEvent[] {
    return this.#events.items;
  }

  #hear(event: GlinkEvent): void {
    if (event.type === "attempt-failed" || event.type === "retry-withheld") return;
    this.#heard++;
    this.#events.add(event);
  }
}
