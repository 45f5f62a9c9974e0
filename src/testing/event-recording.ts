import type { GlinkEvent, GlinkTransport } from "../index.ts";
import { checkFunction, checkMethods } from "./check.ts";
import { type WaitingOptions, waitFor } from "./waiting.ts";

/** The events of one type. */
export type EventOf<T extends GlinkEvent["type"]> = Extract<GlinkEvent, { readonly type: T }>;

/** What a transport published since its recording began. */
export interface EventRecording {
  /** In their order. */
  readonly events: readonly GlinkEvent[];
  /** Those of one type, in their order. */
  ofType<T extends GlinkEvent["type"]>(type: T): readonly EventOf<T>[];
  /**
   * The first event of this type that `matches`: of those that were recorded, or the next to come. Rejects when none comes in
   * time, with what came instead.
   */
  until<T extends GlinkEvent["type"]>(
    type: T,
    matches?: (event: EventOf<T>) => boolean,
    options?: WaitingOptions,
  ): Promise<EventOf<T>>;
  /** Forgets what was recorded, so that `until` waits for what comes from here on. */
  forget(): void;
  /** Ends the recording. What `until` waits for does not come any more. */
  stop(): void;
}

/** Records what happens in a transport: which backends it found, lost and replaced, and why. Throws a TypeError for what is none. */
export function recordEvents(transport: Pick<GlinkTransport, "subscribe">): EventRecording {
  const events: GlinkEvent[] = [];
  const waiting = new Set<(event: GlinkEvent) => void>();
  const stop = checkMethods("the transport of recordEvents", transport, ["subscribe"]).subscribe((event) => {
    events.push(event);
    for (const hear of waiting) hear(event);
  });
  const ofType = <T extends GlinkEvent["type"]>(type: T) =>
    events.filter((event): event is EventOf<T> => event.type === type);
  return {
    events,
    ofType,
    until: <T extends GlinkEvent["type"]>(
      type: T,
      matches: (event: EventOf<T>) => boolean = () => true,
      options: WaitingOptions = {},
    ) => {
      checkFunction("what until matches by", matches);
      const known = ofType(type).find(matches);
      if (known !== undefined) return Promise.resolve(known);
      const missed = () => `no event ${type} that was waited for came (${countsOf(events)})`;
      return waitFor<EventOf<T>>(options, missed, (resolve) => {
        const hear = (event: GlinkEvent) => {
          if (event.type !== type || !matches(event as EventOf<T>)) return;
          waiting.delete(hear);
          resolve(event as EventOf<T>);
        };
        waiting.add(hear);
        return () => waiting.delete(hear);
      });
    },
    forget: () => {
      events.length = 0;
    },
    stop,
  };
}

/** What was recorded, in few words: how often each type. */
function countsOf(events: readonly GlinkEvent[]): string {
  const counts = new Map<string, number>();
  for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts.size === 0 ? "none came" : `there were ${[...counts].map(([type, n]) => `${n} ${type}`).join(", ")}`;
}
