import type { Events } from "../observe/events.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { SuspectReason } from "../subchannel/live-connection-listener.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";

/** How often it is looked whether a suspect has said something, whatever it was. */
const lookEveryMs = 1_000;

/** After this long without a word an operator should know. */
const silentMs = 2_000;

/**
 * A PING in silence is routine, and a peer that lives answers within a round trip: it is a suspect when this has passed.
 * A missed deadline is a reason of its own, so it makes one at once.
 */
const silenceGraceMs = 100;

/**
 * After a missed deadline for which no PING may be sent, because the server would count it as abuse: it is a suspect
 * when calls were sent to it for this long and it answered nothing at all. A backend that is only slow with some of its
 * calls has answered others by then.
 */
const unaskedSilenceMs = 1_000;

/**
 * How long such a suspicion lasts at most. Nothing but calls can find out whether it was right, so they are let through
 * again: a backend that works is never left out for ever, and one that does not takes a second's calls in eleven.
 */
const unaskedSuspicionMs = 10_000;

/** Something held against a connection: `watched`, not enough yet; `suspect`, calls pass it over. */
type Doubt = {
  readonly subchannel: Subchannel;
  /** Its PING is under way: the answer ends the doubt, the lack of one the connection. */
  asked: boolean;
  /** Any byte since then is a sign of life: a busy peer may be slow to acknowledge a PING. */
  readonly bytesRead: number;
  timer: TimerHandle;
} & ({ readonly status: "watched" } | { readonly status: "suspect"; readonly sinceMs: number; reported: boolean });

/**
 * Decides which connections are suspect, and so which backends are: those all of whose connections are. From a missed
 * deadline, or from a silence that a PING does not end at once, until they answer. Measured without it: one frozen backend
 * of three failed a third of all calls until its PING had timed out.
 */
export class Suspects {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #onChanged: (subchannel: Subchannel) => void;
  readonly #doubts = new Map<LiveConnection, Doubt>();
  /** The backends that are known as suspect, and since when. */
  readonly #suspects = new Map<Subchannel, number>();

  /** `onChanged` is called after the availability of a backend that is still connected has changed. */
  constructor(clock: Clock, events: Events, onChanged: (subchannel: Subchannel) => void) {
    this.#clock = clock;
    this.#events = events;
    this.#onChanged = onChanged;
  }

  /** A PING asks whether the peer of `live` is alive. */
  asked(subchannel: Subchannel, live: LiveConnection, reason: SuspectReason): void {
    const doubt = this.#doubts.get(live);
    if (doubt?.status === "suspect") doubt.asked = true;
    else if (reason === "deadline") this.#suspect(subchannel, live, live.connection.bytesRead, reason);
    else this.#watch(subchannel, live, true);
  }

  /** A call timed out on `live`, and no PING may be sent. */
  unanswered(subchannel: Subchannel, live: LiveConnection): void {
    if (!this.#doubts.has(live)) this.#watch(subchannel, live, false);
  }

  /** Its peer answered. */
  cleared(live: LiveConnection): void {
    const doubt = this.#drop(live);
    if (doubt?.status !== "suspect") return;
    live.isSuspect = false;
    this.#review(doubt.subchannel, undefined);
  }

  /** A backend that was connected has a further connection. */
  entered(subchannel: Subchannel): void {
    this.#review(subchannel, undefined);
  }

  /** It is out of service. */
  left(subchannel: Subchannel, live: LiveConnection): void {
    this.#drop(live);
    if (subchannel.connections.length === 0) this.#suspects.delete(subchannel);
    else this.#review(subchannel, undefined);
  }

  /** Since when it is known as suspect, in clock time; undefined: it is not. */
  sinceMs(subchannel: Subchannel): number | undefined {
    return this.#suspects.get(subchannel);
  }

  close(): void {
    for (const { timer } of this.#doubts.values()) this.#clock.clearTimeout(timer);
    this.#doubts.clear();
    this.#suspects.clear();
  }

  #watch(subchannel: Subchannel, live: LiveConnection, asked: boolean): void {
    this.#drop(live);
    const { calls } = live;
    const { bytesRead } = live.connection;
    const timer = this.#clock.setTimeout(
      () => {
        this.#drop(live);
        if (live.connection.bytesRead !== bytesRead) return;
        if (asked) this.#suspect(subchannel, live, bytesRead, "silence");
        // Without a call there was nothing to answer.
        else if (live.calls !== calls) this.#suspect(subchannel, live, bytesRead, "unasked");
      },
      asked ? silenceGraceMs : unaskedSilenceMs,
    );
    this.#doubts.set(live, { status: "watched", subchannel, asked, bytesRead, timer });
  }

  #suspect(subchannel: Subchannel, live: LiveConnection, bytesRead: number, reason: SuspectReason | "unasked"): void {
    this.#drop(live);
    const asked = reason !== "unasked";
    const sinceMs = this.#clock.now();
    const timer = this.#clock.setTimeout(() => this.#look(live), lookEveryMs);
    this.#doubts.set(live, { status: "suspect", subchannel, asked, bytesRead, timer, sinceMs, reported: false });
    live.isSuspect = true;
    live.suspicions++;
    this.#review(subchannel, asked ? reason : "deadline");
  }

  #look(live: LiveConnection): void {
    const doubt = this.#doubts.get(live);
    if (doubt?.status !== "suspect") return;
    const suspectMs = this.#clock.now() - doubt.sinceMs;
    const spoke = live.connection.bytesRead !== doubt.bytesRead;
    if (spoke || (!doubt.asked && suspectMs >= unaskedSuspicionMs)) {
      this.cleared(live);
      return;
    }
    doubt.timer = this.#clock.setTimeout(() => this.#look(live), lookEveryMs);
    if (suspectMs < silentMs || doubt.reported) return;
    doubt.reported = true;
    if (!this.#events.active) return;
    this.#events.publish({
      type: "subchannel-silent",
      address: doubt.subchannel.id,
      silentMs: Math.round(suspectMs),
    });
  }

  /** Tells what has become of the backend, if that is another thing than before. `reason`: why it may be a suspect now. */
  #review(subchannel: Subchannel, reason: SuspectReason | undefined): void {
    const { id: address } = subchannel;
    const sinceMs = this.#suspects.get(subchannel);
    const nowMs = this.#clock.now();
    if (sinceMs === undefined && reason !== undefined && subchannel.isSuspect) {
      this.#suspects.set(subchannel, nowMs);
      if (this.#events.active) this.#events.publish({ type: "subchannel-suspect", address, reason });
      this.#onChanged(subchannel);
    } else if (sinceMs !== undefined && !subchannel.isSuspect) {
      this.#suspects.delete(subchannel);
      const suspectMs = Math.round(nowMs - sinceMs);
      if (this.#events.active) this.#events.publish({ type: "subchannel-usable", address, suspectMs });
      this.#onChanged(subchannel);
    }
  }

  #drop(live: LiveConnection): Doubt | undefined {
    const doubt = this.#doubts.get(live);
    if (doubt === undefined) return undefined;
    this.#clock.clearTimeout(doubt.timer);
    this.#doubts.delete(live);
    return doubt;
  }
}
