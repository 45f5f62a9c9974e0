import type { Events } from "../observe/events.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { LiveConnection, SuspectReason } from "../subchannel/live-connection.ts";
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

/** Something held against a backend: `watched`, not enough yet; `suspect`, calls pass it over. */
type Doubt = {
  readonly live: LiveConnection;
  /** Its PING is under way: the answer ends the doubt, the lack of one the connection. */
  asked: boolean;
  /** Any byte since then is a sign of life: a busy peer may be slow to acknowledge a PING. */
  readonly bytesRead: number;
  timer: TimerHandle;
} & ({ readonly status: "watched" } | { readonly status: "suspect"; readonly sinceMs: number; reported: boolean });

/**
 * Decides which connected backends are suspect, and sets their `availability`: from a missed deadline, or from a silence
 * that a PING does not end at once, until they answer. Measured without it: one frozen backend of three failed a third
 * of all calls until its PING had timed out.
 */
export class Suspects {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #changed: (subchannel: Subchannel) => void;
  readonly #doubts = new Map<Subchannel, Doubt>();

  /** `changed` is called after the availability of a backend that is still connected has changed. */
  constructor(clock: Clock, events: Events, changed: (subchannel: Subchannel) => void) {
    this.#clock = clock;
    this.#events = events;
    this.#changed = changed;
  }

  /** A PING asks whether the peer of `live`, which serves `subchannel`, is alive. */
  asked(subchannel: Subchannel, live: LiveConnection, reason: SuspectReason): void {
    const doubt = this.#doubts.get(subchannel);
    if (doubt?.status === "suspect") doubt.asked = true;
    else if (reason === "deadline") this.#suspect(subchannel, live, live.connection.bytesRead, true, reason);
    else this.#watch(subchannel, live, true);
  }

  /** A call timed out on `live`, and no PING may be sent. */
  unanswered(subchannel: Subchannel, live: LiveConnection): void {
    if (!this.#doubts.has(subchannel)) this.#watch(subchannel, live, false);
  }

  /** Its peer answered. */
  cleared(subchannel: Subchannel): void {
    const doubt = this.#drop(subchannel);
    if (doubt?.status !== "suspect") return;
    subchannel.availability = "usable";
    if (this.#events.active) {
      const suspectMs = Math.round(this.#clock.now() - doubt.sinceMs);
      this.#events.publish({ type: "subchannel-usable", address: subchannel.id, suspectMs });
    }
    this.#changed(subchannel);
  }

  /** A successor took the place of `live`. */
  replaced(subchannel: Subchannel, live: LiveConnection): void {
    if (this.#doubts.get(subchannel)?.live === live) this.cleared(subchannel);
  }

  /** It is not connected any more. */
  forget(subchannel: Subchannel): void {
    this.#drop(subchannel);
    subchannel.availability = "usable";
  }

  close(): void {
    for (const { timer } of this.#doubts.values()) this.#clock.clearTimeout(timer);
    this.#doubts.clear();
  }

  #watch(subchannel: Subchannel, live: LiveConnection, asked: boolean): void {
    this.#drop(subchannel);
    const { calls } = live;
    const { bytesRead } = live.connection;
    const timer = this.#clock.setTimeout(
      () => {
        this.#drop(subchannel);
        if (live.connection.bytesRead !== bytesRead) return;
        if (asked) this.#suspect(subchannel, live, bytesRead, true, "silence");
        // Without a call there was nothing to answer.
        else if (live.calls !== calls) this.#suspect(subchannel, live, bytesRead, false, "deadline");
      },
      asked ? silenceGraceMs : unaskedSilenceMs,
    );
    this.#doubts.set(subchannel, { status: "watched", live, asked, bytesRead, timer });
  }

  #suspect(
    subchannel: Subchannel,
    live: LiveConnection,
    bytesRead: number,
    asked: boolean,
    reason: SuspectReason,
  ): void {
    this.#drop(subchannel);
    const sinceMs = this.#clock.now();
    const timer = this.#clock.setTimeout(() => this.#look(subchannel), lookEveryMs);
    this.#doubts.set(subchannel, { status: "suspect", live, asked, bytesRead, timer, sinceMs, reported: false });
    subchannel.availability = "suspect";
    if (this.#events.active) this.#events.publish({ type: "subchannel-suspect", address: subchannel.id, reason });
    this.#changed(subchannel);
  }

  #look(subchannel: Subchannel): void {
    const doubt = this.#doubts.get(subchannel);
    if (doubt?.status !== "suspect") return;
    const suspectMs = this.#clock.now() - doubt.sinceMs;
    const spoke = doubt.live.connection.bytesRead !== doubt.bytesRead;
    if (spoke || (!doubt.asked && suspectMs >= unaskedSuspicionMs)) {
      this.cleared(subchannel);
      return;
    }
    doubt.timer = this.#clock.setTimeout(() => this.#look(subchannel), lookEveryMs);
    if (suspectMs < silentMs || doubt.reported) return;
    doubt.reported = true;
    if (!this.#events.active) return;
    this.#events.publish({ type: "subchannel-silent", address: subchannel.id, silentMs: Math.round(suspectMs) });
  }

  #drop(subchannel: Subchannel): Doubt | undefined {
    const doubt = this.#doubts.get(subchannel);
    if (doubt === undefined) return undefined;
    this.#clock.clearTimeout(doubt.timer);
    this.#doubts.delete(subchannel);
    return doubt;
  }
}
