import type { CallCounters } from "../observe/counters.ts";
import type { Events } from "../observe/events.ts";
import type { CallSource } from "../pool/call-source.ts";
import type { Protocol, ReadLimits } from "../protocol/protocol.ts";
import type { Clock } from "../runtime/clock.ts";

/** What all attempts of one channel share. */
export interface AttemptContext {
  readonly source: CallSource;
  readonly protocol: Protocol;
  readonly limits: ReadLimits;
  readonly clock: Clock;
  readonly events: Events;
  readonly counters: CallCounters;
}
