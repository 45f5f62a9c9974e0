import type { CallRecord, ClientReport } from "./messages.ts";

/** A stretch of the run, in wall-clock milliseconds. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Everything that one client reported. */
export class CallStatistics {
  readonly #calls: CallRecord[] = [];
  pool: ClientReport["pool"] = {};
  retries = 0;
  crashes = 0;

  add(report: ClientReport): void {
    this.#calls.push(...report.calls);
    this.pool = report.pool;
    this.retries = report.retries;
    this.crashes = report.crashes;
  }

  get calls(): number {
    return this.#calls.length;
  }

  get failed(): number {
    return this.#calls.filter(({ error }) => error !== undefined).length;
  }

  /** Different errors and how often each came, most frequent first. */
  get errors(): [message: string, count: number][] {
    const counts = new Map<string, number>();
    for (const { error } of this.#calls) {
      if (error !== undefined) counts.set(error, (counts.get(error) ?? 0) + 1);
    }
    return [...counts].sort(([, a], [, b]) => b - a);
  }

  failedIn(period: Period): number {
    return this.#in(period).filter(({ error }) => error !== undefined).length;
  }

  /** Calls answered by each backend in a period. */
  answersIn(period: Period): Map<string, number> {
    const answers = new Map<string, number>();
    for (const { backend } of this.#in(period)) {
      if (backend !== undefined) answers.set(backend, (answers.get(backend) ?? 0) + 1);
    }
    return answers;
  }

  /** The part of the answers in a period that this backend gave, 0 to 1. */
  shareIn(period: Period, address: string): number {
    const answers = this.answersIn(period);
    const total = [...answers.values()].reduce((sum, count) => sum + count, 0);
    return total === 0 ? 0 : (answers.get(address) ?? 0) / total;
  }

  /** How long after `sinceMs` this backend gave its first answer; undefined if it never did. */
  firstAnswerAfter(sinceMs: number, address: string): number | undefined {
    const first = this.#calls.find(({ endedAtMs, backend }) => backend === address && endedAtMs >= sinceMs);
    return first === undefined ? undefined : first.endedAtMs - sinceMs;
  }

  /** The duration that this part of all calls did not exceed, failed ones included. 0 without calls. */
  percentileMs(part: number): number {
    const sorted = this.#calls.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
  }

  /** Calls are kept in the order of their reports, so the newest are at the end. */
  #in({ fromMs, toMs }: Period): CallRecord[] {
    const result: CallRecord[] = [];
    for (let i = this.#calls.length - 1; i >= 0; i--) {
      const call = this.#calls[i] as CallRecord;
      if (call.endedAtMs < fromMs) break;
      if (call.endedAtMs < toMs) result.push(call);
    }
    return result;
  }
}
