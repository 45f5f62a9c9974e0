import type { MethodSpec } from "../base/method-spec.ts";
import type { BackendRecord, PoolTally } from "../subchannel/backend-record.ts";
import { isExceptional } from "./outlier-statistics.ts";

/** Faults of one backend without an answer in between, and what calls to all others came to meanwhile. */
export class FaultRun {
  readonly #record: BackendRecord;
  readonly #tally: PoolTally;
  readonly #othersAnswers: number;
  readonly #othersFaults: number;
  /** Those that failed; undefined once a connection was lost, which is no matter of methods. */
  #methods: Set<MethodSpec> | undefined = new Set();

  constructor(record: BackendRecord, tally: PoolTally) {
    this.#record = record;
    this.#tally = tally;
    this.#othersAnswers = tally.answers - record.answers;
    this.#othersFaults = tally.faults - record.faults;
  }

  /** One more. Without a method, the connection was lost. */
  fault(method: MethodSpec | undefined): void {
    if (method === undefined) this.#methods = undefined;
    else this.#methods?.add(method);
    this.#record.fault();
  }

  /** Whether it sets the backend apart from the others. */
  get isExceptional(): boolean {
    const answers = this.#tally.answers - this.#record.answers - this.#othersAnswers;
    const faults = this.#tally.faults - this.#record.faults - this.#othersFaults;
    return isExceptional(this.#record.faultsInARow, { answers, faults });
  }

  /** Whether another backend was heard to answer one of the methods that fail here: else they may fail everywhere. */
  worksAt({ lastAnswered }: BackendRecord): boolean {
    if (this.#methods === undefined) return true;
    return lastAnswered !== undefined && this.#methods.has(lastAnswered);
  }
}
