import { type Channel, channel } from "node:diagnostics_channel";
import { wallClockMs } from "../runtime/wall-clock.ts";
import type { Events, GlinkEvent, GlinkFact } from "./events.ts";
import { callUserCode, reportUserCode } from "./user-code.ts";

/** Hears every event of one transport. */
export type GlinkListener = (event: GlinkEvent) => void;

const types: Readonly<Record<GlinkFact["type"], true>> = {
  "pool-updated": true,
  "backends-stale": true,
  resolved: true,
  "resolve-failed": true,
  "resolve-recovered": true,
  "service-config-rejected": true,
  "subchannel-state": true,
  connected: true,
  "connect-failed": true,
  "ping-timeout": true,
  goaway: true,
  "connection-draining": true,
  "connection-drained": true,
  "subchannel-suspect": true,
  "subchannel-silent": true,
  "subchannel-usable": true,
  "backend-ejected": true,
  "backend-probing": true,
  "backend-returned": true,
  "backend-unhealthy": true,
  "backend-healthy": true,
  "panic-began": true,
  "panic-ended": true,
  "renewal-failed": true,
  "call-queued": true,
  "priority-changed": true,
  "zone-share-changed": true,
  "queue-drained": true,
  "attempt-failed": true,
  "retry-withheld": true,
  "call-dropped": true,
  hint: true,
  "user-code-failed": true,
  closed: true,
};

/** Every type of event there is. */
export const eventTypes: readonly string[] = Object.keys(types);

/**
 * Hands facts to listeners and to the diagnostics channels `glink:<type>`. A listener that throws is reported to the
 * others and touches nothing else.
 */
export class EventBus implements Events {
  readonly #target: string;
  readonly #subscriptions = new Set<{ readonly listener: GlinkListener }>();
  readonly #channels: ReadonlyMap<string, Channel>;
  /** The same, for {@link active}, which is asked often. */
  readonly #channelList: readonly Channel[];

  constructor(target: string) {
    this.#target = target;
    this.#channels = new Map(eventTypes.map((type) => [type, channel(`glink:${type}`)]));
    this.#channelList = [...this.#channels.values()];
  }

  get active(): boolean {
    if (this.#subscriptions.size > 0) return true;
    return this.#channelList.some((one) => one.hasSubscribers);
  }

  subscribe(listener: GlinkListener): () => void {
    // Of its own: the same function may be subscribed twice, and each of the two ends alone.
    const subscription = { listener };
    this.#subscriptions.add(subscription);
    return () => {
      this.#subscriptions.delete(subscription);
    };
  }

  publish(fact: GlinkFact): void {
    const event = { ...fact, target: this.#target, at: wallClockMs() } as GlinkEvent;
    this.#channels.get(fact.type)?.publish(event);
    for (const { listener } of this.#subscriptions) {
      callUserCode(listener, [event], (error) => this.#listenerFailed(fact, error));
    }
  }

  #listenerFailed(fact: GlinkFact, error: unknown): void {
    // Once is enough: a listener that throws on the report of its own failure must not be asked for ever.
    if (fact.type !== "user-code-failed") reportUserCode(this, "event listener", error);
  }
}
