import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type CallOptions, Code, ConnectError, createContextValues } from "@connectrpc/connect";
import {
  type AttemptReport,
  type GlinkCallOptions,
  type GlinkTransport,
  glinkCall,
  glinkFailureOf,
} from "../../src/index.ts";

/** A call of a scenario, as its caller sees it. */
export interface WatchedCall {
  readonly id: string;
  readonly attempts: AttemptReport[];
  /** `pending` until it has settled. */
  outcome: "pending" | "OK" | keyof typeof Code | "not a ConnectError";
  error: unknown;
}

/** What a scenario's servers can tell. */
export interface Served {
  /** Executions by request id, over all servers. */
  readonly executions?: ReadonlyMap<string, number>;
  /** Whole requests that came, over all servers. */
  readonly requests?: number;
  /** Connections that were made, and the most that are in order. */
  readonly connections?: { readonly made: number; readonly most: number };
}

/** How long what has no deadline may take before it counts as hung. */
const hungAfterMs = 20_000;

/** Makes the calls of a scenario, and asserts after it what holds whatever the fault. */
export class Invariants {
  readonly calls: WatchedCall[] = [];
  readonly #transport: GlinkTransport;
  readonly #open = new Set<Promise<void>>();

  constructor(transport: GlinkTransport) {
    this.#transport = transport;
  }

  /**
   * Makes a call with what `make` is given, and resolves with what came of it; never rejects. `own`: what the call asks for
   * itself.
   */
  async call(
    make: (options: CallOptions, id: string) => Promise<unknown>,
    own: GlinkCallOptions = {},
    options: CallOptions = {},
  ): Promise<WatchedCall> {
    const attempts: AttemptReport[] = [];
    const call: WatchedCall = { id: `call ${this.calls.length}`, attempts, outcome: "pending", error: undefined };
    this.calls.push(call);
    const contextValues = createContextValues().set(glinkCall, { ...own, onAttempt: (one) => attempts.push(one) });
    const startedMs = performance.now();
    const settled = make({ ...options, contextValues }, call.id).then(
      () => {
        call.outcome = "OK";
      },
      (error: unknown) => {
        call.error = error;
        call.outcome = error instanceof ConnectError ? (Code[error.code] as keyof typeof Code) : "not a ConnectError";
        const { timeoutMs } = options;
        const isOwnDeadline = glinkFailureOf(error)?.kind === "deadline" && timeoutMs !== undefined;
        // Timers round to a millisecond.
        if (isOwnDeadline)
          assert.ok(performance.now() - startedMs > timeoutMs - 2, `${call.id} ended before its deadline`);
      },
    );
    this.#open.add(settled);
    await settled;
    this.#open.delete(settled);
    return call;
  }

  /** Outcomes and how many calls had them. */
  get outcomes(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { outcome } of this.calls) counts[outcome] = (counts[outcome] ?? 0) + 1;
    return counts;
  }

  /** Every call has settled, with an error whose kind is known; no server ran it more often than attempts reached one. */
  async assertHeld(served: Served = {}): Promise<void> {
    assert.deepEqual(await this.violations(served), []);
  }

  /** What does not hold, in words. */
  async violations({ executions, requests = 0, connections }: Served = {}): Promise<string[]> {
    const settled = new AbortController();
    const hung = sleep(hungAfterMs, undefined, { signal: settled.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.#open), hung]);
    settled.abort();
    const wrong: string[] = [];
    let reachedInAll = 0;
    for (const { id, outcome, error, attempts } of this.calls) {
      // docs/errors.md: what a codec cannot read is told as it is, after an attempt that succeeded.
      const isUnreadable = attempts.length > 0 && attempts.at(-1)?.code === undefined;
      if (outcome === "pending") wrong.push(`${id} never settled`);
      else if (outcome === "not a ConnectError") wrong.push(`${id} rejected with ${error}`);
      else if (outcome !== "OK" && glinkFailureOf(error) === undefined && !isUnreadable) {
        wrong.push(`${id}: no kind is known of ${error}`);
      }
      const reached = attempts.filter(({ address }) => address !== undefined).length;
      const ran = executions?.get(id) ?? 0;
      if (ran > reached) wrong.push(`${id} ran ${ran} times, for ${reached} attempts`);
      reachedInAll += reached;
    }
    if (requests > reachedInAll) wrong.push(`servers got ${requests} requests, of ${reachedInAll} attempts`);
    const { openCalls, queuedCalls } = this.#transport.snapshot();
    if (openCalls + queuedCalls > 0) wrong.push(`${openCalls} calls are open, and ${queuedCalls} wait`);
    if (connections !== undefined && connections.made > connections.most) {
      wrong.push(`${connections.made} connections, where ${connections.most} are enough`);
    }
    return wrong;
  }
}
