import type { GlinkEvent, GlinkTransport } from "../index.ts";

/** The events of one type. */
export type EventOf<T extends GlinkEvent["type"]> = Extract<GlinkEvent, { readonly type: T }>;

/** What a transport published since its recording began. */
export interface EventRecording {
  /** In their order. */
  readonly events: readonly GlinkEvent[];
  /** Those of one type, in their order. */
  ofType<T extends GlinkEvent["type"]>(type: T): readonly EventOf<T>[];
  /** The first event of this type that `matches`, of those that were recorded or the next to come. */
  first<T extends GlinkEvent["type"]>(type: T, matches?: (event: EventOf<T>) => boolean): Promise<EventOf<T>>;
  /** Ends the recording. What `first` waits for does not come any more. */
  stop(): void;
}

/** Records what happens in a transport: which backends it found, lost and replaced, and why. */
export function recordEvents(transport: Pick<GlinkTransport, "subscribe">): EventRecording {
  const events: GlinkEvent[] = [];
  const waiting = new Set<(event: GlinkEvent) => void>();
  const stop = transport.subscribe((event) => {
    events.push(event);
    for (const hear of waiting) hear(event);
  });
  const ofType = <T extends GlinkEvent["type"]>(type: T) =>
    events.filter((event): event is EventOf<T> => event.type === type);
  return {
    events,
    ofType,
    first: (type, matches = () => true) => {
      const known = ofType(type).find(matches);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => {
        const hear = (event: GlinkEvent) => {
          if (event.type !== type || !matches(event as EventOf<typeof type>)) return;
          waiting.delete(hear);
          resolve(event as EventOf<typeof type>);
        };
        waiting.add(hear);
      });
    },
    stop,
  };
}
