import { Code } from "@connectrpc/connect";
import type { MethodSpec } from "../base/method-spec.ts";
import type { EjectionReason } from "../observe/backend-facts.ts";
import type { Events } from "../observe/events.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import { queueMicrotask } from "../runtime/microtask.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { PoolTally } from "../subchannel/backend-record.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { FailedCall } from "../subchannel/subchannel-listener.ts";
import { FaultRun } from "./fault-run.ts";
import { verdictOf } from "./faults.ts";
import type { LeftOutFacts } from "./left-out.ts";
import { OutlierIntervals } from "./outlier-intervals.ts";
import type { OutlierOptions } from "./outlier-options.ts";
import { OneCallProbation } from "./probation.ts";

/** What outliers are looked for with. */
export interface OutliersContext {
  readonly runtime: Runtime;
  readonly events: Events;
  readonly tally: PoolTally;
  /** All backends of the pool, connected or not. */
  readonly backends: () => readonly Subchannel[];
  /** Whether enough are left for calls without this one. */
  readonly canSpare: (subchannel: Subchannel) => boolean;
}

/** Told by the search for outliers. */
export interface OutliersListener {
  /** The availability of the backend has changed. */
  onChanged(subchannel: Subchannel): void;
  /** It is on probation, and its call has started. */
  onFull(subchannel: Subchannel): void;
  /** It takes a call again. */
  onRoom(subchannel: Subchannel): void;
}

/**
 *          outlier                  time is over
 *   in ──────────────▶ ejected ──────────────────▶ probation
 *   ▲                     ▲       a call failed        │
 *   │                     └────────────────────────────┤
 *   └──────────────────────────────────────────────────┘ a call was answered
 */
type Standing =
  | { readonly status: "in" }
  | { readonly status: "ejected"; readonly untilMs: number; readonly timer: TimerHandle }
  | { readonly status: "probation"; readonly probation: OneCallProbation };

/** What is known of a backend that had faults. */
interface Outlier {
  standing: Standing;
  /** Ejections that are not forgiven yet, as of the last one. */
  ejections: number;
  /** When the first of the ejections began that followed one another. */
  sinceMs: number;
  returnedMs: number;
  run: FaultRun;
}

/**
 * Ejects backends whose calls fail while those of others do not: calls go elsewhere for a while, and a single one decides
 * whether it is over. Nothing here runs while calls are answered, but for a few integers in {@link BackendRecord}.
 */
export class Outliers {
  readonly #options: OutlierOptions;
  readonly #context: OutliersContext;
  readonly #listener: OutliersListener;
  readonly #intervals: OutlierIntervals;
  readonly #known = new Map<Subchannel, Outlier>();
  /** Connections that were lost, and whose calls have been heard of. */
  readonly #lost = new WeakSet<LiveConnection>();
  /** Connections that were suspects when a deadline was missed, and which of their suspicions that was. */
  readonly #silences = new WeakMap<LiveConnection, number>();
  /** Ejected or on probation. */
  #out = 0;

  constructor(options: OutlierOptions, context: OutliersContext, listener: OutliersListener) {
    this.#options = options;
    this.#context = context;
    this.#listener = listener;
    this.#intervals = new OutlierIntervals(options, context.runtime, context.backends, {
      onOutlier: (subchannel, reason) => {
        if (this.#mayEject(subchannel)) this.#eject(subchannel, this.#of(subchannel), reason);
      },
    });
  }

  /** An attempt failed. */
  failed({ subchannel, live, failure, request }: FailedCall<Subchannel>): void {
    const { clock } = this.#context.runtime;
    const verdict = verdictOf(failure, Math.max(0, clock.now() - request.deadlineMs));
    if (failure.code === Code.DeadlineExceeded && this.#isKnownToBeSilent(live)) return;
    if (verdict === "answer") subchannel.record.answer(request.method);
    if (verdict === "answer" || verdict === "nothing") return;
    if (verdict === "loss") {
      if (this.#lost.has(live)) return;
      this.#lost.add(live);
    }
    this.#fault(subchannel, verdict === "loss" ? undefined : request.method);
  }

  /**
   * All calls that were open on a connection when it fell silent miss their deadlines, one after the other. That is one
   * thing to hold against it, and it is a suspect already, which ends when it answers.
   */
  #isKnownToBeSilent(live: LiveConnection): boolean {
    if (!live.isSuspect) return false;
    const isKnown = this.#silences.get(live) === live.suspicions;
    this.#silences.set(live, live.suspicions);
    return isKnown;
  }

  /** The backend has left the pool. */
  removed(subchannel: Subchannel): void {
    const outlier = this.#known.get(subchannel);
    if (outlier === undefined) return;
    this.#enter(subchannel, outlier, { status: "in" });
    this.#known.delete(subchannel);
  }

  /** Undefined: it is not ejected, nor on probation. */
  factsOf(subchannel: Subchannel): LeftOutFacts | undefined {
    const outlier = this.#known.get(subchannel);
    if (outlier === undefined || outlier.standing.status === "in") return undefined;
    const { sinceMs, ejections, standing } = outlier;
    return { sinceMs, ejections, untilMs: standing.status === "ejected" ? standing.untilMs : undefined };
  }

  close(): void {
    this.#intervals.close();
    for (const subchannel of [...this.#known.keys()]) this.removed(subchannel);
  }

  #of(subchannel: Subchannel): Outlier {
    let outlier = this.#known.get(subchannel);
    if (outlier === undefined) {
      const run = new FaultRun(subchannel.record, this.#context.tally);
      const neverMs = Number.NEGATIVE_INFINITY;
      outlier = { standing: { status: "in" }, ejections: 0, sinceMs: neverMs, returnedMs: neverMs, run };
      this.#known.set(subchannel, outlier);
    }
    return outlier;
  }

  /** Without a method, its connection was lost. */
  #fault(subchannel: Subchannel, method: MethodSpec | undefined): void {
    const { record } = subchannel;
    const outlier = this.#of(subchannel);
    this.#intervals.began();
    if (record.faultsInARow === 0) outlier.run = new FaultRun(subchannel.record, this.#context.tally);
    outlier.run.fault(method);
    const { status } = outlier.standing;
    if (status === "probation") this.#eject(subchannel, outlier, "probe-failed");
    else if (status === "in" && this.#isExceptional(subchannel, outlier.run) && this.#mayEject(subchannel)) {
      this.#eject(subchannel, outlier, "consecutive-failures");
    }
  }

  #isExceptional({ record }: Subchannel, run: FaultRun): boolean {
    if (record.faultsInARow < this.#options.consecutiveFailures || !run.isExceptional) return false;
    return this.#context.backends().some((other) => other.record !== record && run.worksAt(other.record));
  }

  #mayEject(subchannel: Subchannel): boolean {
    const { maxEjectionPercent } = this.#options;
    const { length } = this.#context.backends();
    if (length < 3 || maxEjectionPercent === 0) return false;
    const most = Math.max(1, Math.floor((length * maxEjectionPercent) / 100));
    return this.#out < most && !subchannel.isEjected && this.#context.canSpare(subchannel);
  }

  #eject(subchannel: Subchannel, outlier: Outlier, reason: EjectionReason): void {
    const { baseEjectionMs, maxEjectionMs, intervalMs } = this.#options;
    const { clock } = this.#context.runtime;
    const nowMs = clock.now();
    if (outlier.standing.status === "in") {
      const forgiven = Math.floor((nowMs - outlier.returnedMs) / intervalMs);
      outlier.ejections = Math.max(0, outlier.ejections - forgiven);
      outlier.sinceMs = nowMs;
    }
    const ejections = outlier.ejections + 1;
    outlier.ejections = ejections;
    const ejectionMs = Math.min(baseEjectionMs * ejections, Math.max(baseEjectionMs, maxEjectionMs));
    const timer = clock.setTimeout(() => this.#probe(subchannel, outlier), ejectionMs);
    this.#enter(subchannel, outlier, { status: "ejected", untilMs: nowMs + ejectionMs, timer });
    const { events } = this.#context;
    if (events.active) {
      events.publish({ type: "backend-ejected", address: subchannel.id, reason, ejections, ejectionMs });
    }
    this.#listener.onChanged(subchannel);
  }

  #probe(subchannel: Subchannel, outlier: Outlier): void {
    const probation = new OneCallProbation(this.#context.runtime.clock, {
      onFull: () => this.#listener.onFull(subchannel),
      onRoom: () => this.#listener.onRoom(subchannel),
      onPassed: () => this.#return(subchannel, outlier),
    });
    this.#enter(subchannel, outlier, { status: "probation", probation });
    const { events } = this.#context;
    if (events.active) events.publish({ type: "backend-probing", address: subchannel.id });
    this.#listener.onChanged(subchannel);
  }

  #return(subchannel: Subchannel, outlier: Outlier): void {
    const nowMs = this.#context.runtime.clock.now();
    this.#enter(subchannel, outlier, { status: "in" });
    outlier.returnedMs = nowMs;
    const { events } = this.#context;
    if (events.active) {
      const ejectedMs = Math.round(nowMs - outlier.sinceMs);
      events.publish({ type: "backend-returned", address: subchannel.id, ejectedMs });
    }
    // Not now: the call that was answered has not been told yet.
    queueMicrotask(() => this.#listener.onRoom(subchannel));
  }

  /** The one place where the standing changes. What the one before owned ends with it. */
  #enter(subchannel: Subchannel, outlier: Outlier, next: Standing): void {
    const before = outlier.standing;
    outlier.standing = next;
    if (before.status === "ejected") this.#context.runtime.clock.clearTimeout(before.timer);
    if (before.status === "probation") before.probation.stop();
    this.#out += Number(next.status !== "in") - Number(before.status !== "in");
    subchannel.isEjected = next.status === "ejected";
    subchannel.record.probation = next.status === "probation" ? next.probation : undefined;
  }
}
