import { Code } from "@connectrpc/connect";
import type { Failure } from "../../base/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import type { AdmissionOptions } from "./admission-options.ts";
import type { CallGuard } from "./call-guard.ts";

/** The window slides in so many steps. */
const steps = 12;

/** What a server says that it is overloaded with. */
const refusals = new Set([Code.Unavailable, Code.ResourceExhausted]);

/**
 * The adaptive throttling of the SRE book: of `requests` calls in the window, those that are dropped here included,
 * `accepts` were not refused by a server. A call is dropped with the probability (requests - ratio × accepts) / (requests
 * + 1), so that about `ratio` times what the servers take is sent.
 */
export class AdmissionControl implements CallGuard {
  readonly reason = "admission";
  readonly #options: AdmissionOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #stepMs: number;
  readonly #requests = new Uint32Array(steps);
  readonly #accepts = new Uint32Array(steps);
  #step = 0;
  #stepEndMs: number;

  constructor(options: AdmissionOptions, clock: Clock, random: Random) {
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#stepMs = options.windowMs / steps;
    this.#stepEndMs = clock.now() + this.#stepMs;
  }

  refuse(): Failure | undefined {
    this.#advance();
    const share = this.#dropShare();
    if (share <= 0 || this.#random.next() >= share) return undefined;
    // As one that servers refused: who stops counting those would soon let all of them go again.
    (this.#requests[this.#step] as number)++;
    const percent = Math.round(share * 100);
    const message = `servers refuse most calls: ${percent} % of them are not sent for now (admission)`;
    return { kind: "not-admitted", code: Code.ResourceExhausted, progress: "unsent", message };
  }

  started(): void {
    // A call counts once its outcome is known: calls under way say nothing of the servers yet.
  }

  ended(failure: Failure | undefined): void {
    this.#advance();
    const isWord = failure?.wire?.isWireError === true;
    // A call that no server answered says nothing of their load.
    if (failure !== undefined && !isWord) return;
    (this.#requests[this.#step] as number)++;
    if (failure === undefined || !refusals.has(failure.code)) (this.#accepts[this.#step] as number)++;
  }

  #dropShare(): number {
    const { ratio, windowMs, minPerSecond, maxDropShare } = this.#options;
    const requests = sum(this.#requests);
    if (requests < (minPerSecond * windowMs) / 1_000) return 0;
    return Math.min((requests - ratio * sum(this.#accepts)) / (requests + 1), maxDropShare);
  }

  #advance(): void {
    const now = this.#clock.now();
    if (now < this.#stepEndMs) return;
    const passed = Math.floor((now - this.#stepEndMs) / this.#stepMs) + 1;
    this.#stepEndMs += passed * this.#stepMs;
    for (let i = 0; i < Math.min(passed, steps); i++) {
      this.#step = (this.#step + 1) % steps;
      this.#requests[this.#step] = 0;
      this.#accepts[this.#step] = 0;
    }
  }
}

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
