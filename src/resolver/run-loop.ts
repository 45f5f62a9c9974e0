import type { TimerHandle } from "../runtime/clock.ts";
import { jitter } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** How a run ended that knows when the next one is due. */
export interface RunEnd {
  /**
   * The next run is due so long after this one, in milliseconds: the age at which an answer is old, or what a server asks
   * to wait. 0: as soon as may be. `Infinity`: at a hint. A hint is served earlier, unless there is an error.
   */
  readonly againMs: number;
  /** Set: the run failed, and `againMs` is the wait, whatever hints there are. Reported as `onError`. */
  readonly error?: unknown;
}

/** What is run, and how failures spread in time. */
export interface RunLoopOptions {
  /** Learns where backends are. Rejects when that failed: the loop then chooses the wait. */
  run(signal: AbortSignal): Promise<RunEnd>;
  /** A run that takes longer is aborted. */
  readonly timeoutMs: number;
  /** The error of a run that was aborted for its time; undefined when the run will say itself what it came to. */
  timedOut(): Error | undefined;
  /** While runs fail and it is urgent, a window is this share of the time that the episode has lasted. */
  readonly urgentShare: number;
  /** The wait after a failed run is changed by up to ± this share of itself. */
  readonly jitter: number;
}

/** Told of runs. */
export interface RunLoopListener {
  onRunStarted(): void;
  onRunFailed(error: unknown): void;
}

/** After the start of a run no other starts within this, whoever asks. */
const minWindowMs = 1_000;

/** The window of a long episode, and so the longest wait until a failed run is tried again. */
const maxWindowMs = 30_000;

/** In an episode a window is this share of the time that the episode has lasted. */
export const windowShare: number = 1 / 4;

/**
 * More than one hint in this time, on average, is calls and dials that fail. Fewer may be a rotation timer: its shortest
 * interval is 1 s, less 10 % jitter, and it must get what it asks for.
 */
const stormIntervalMs = 900;

/** Two hints within this are calls that fail. One alone may be a rotation timer. */
const urgentWithinMs = 5_000;

/**
 * Between two runs there is always a pause. A run may keep the process alive, so this is when a process that has nothing
 * else left ends: without it, slow runs could follow each other for ever.
 */
const pauseMs = 100;

/**
 * Decides when a resolver looks: at once, then at each hint, when its answer is old, and after a failure by itself.
 *
 * One run at a time. Its start opens a window in which no other starts; a hint inside the window is remembered and
 * served when the window ends, or when the answer is old. The window is 1 s, and grows to 30 s during an episode: as long
 * as runs fail, or hints storm in without the list changing. An episode ends when the list changes or a window was calm.
 *
 * Whether a call is open makes no difference: a transport with few calls needs a fresh list for the next one. Between
 * runs nothing here keeps the process alive.
 */
export class RunLoop {
  readonly #options: RunLoopOptions;
  readonly #runtime: Runtime;
  readonly #listener: RunLoopListener;
  /** Set while a run goes on; aborted when its answer is no longer waited for. */
  #running: AbortController | undefined;
  /** The run whose time was over: that was its failure, and what it rejects with is none. */
  #saidLate: AbortController | undefined;
  /** The limit of the run that goes on, or the start of the next one. */
  #timer: TimerHandle | undefined;
  #startedMs = 0;
  #endedMs = 0;
  #episodeBeganMs = 0;
  /** When the answer is old, or the wait ends that the failed run named. */
  #dueMs = Number.POSITIVE_INFINITY;
  #waitIsNamed = false;
  /** By what this wait differs from its window: 1 ± jitter. */
  #stretch = 1;
  /** Since the start of the newest run. */
  #hints = 0;
  #hintedMs = Number.NEGATIVE_INFINITY;
  #urgent = false;
  #failing = false;
  #closed = false;

  constructor(options: RunLoopOptions, runtime: Runtime, listener: RunLoopListener) {
    this.#options = options;
    this.#runtime = runtime;
    this.#listener = listener;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls seem to fail for want of a better list: two hints came within 5 s, and nothing was learned since. */
  get urgent(): boolean {
    return this.#urgent;
  }

  /** When the next run starts by itself; undefined while one goes on, and where only a hint brings one. */
  get nextMs(): number | undefined {
    const startsMs = this.#startsMs;
    return this.#running !== undefined || startsMs === Number.POSITIVE_INFINITY ? undefined : startsMs;
  }

  /** Starts a run: from outside the first one, once. */
  start(): void {
    const { clock } = this.#runtime;
    const { run, timeoutMs } = this.#options;
    const now = clock.now();
    const storm = this.#hints > (now - this.#startedMs) / stormIntervalMs;
    if (!this.#failing && !storm) this.#episodeBeganMs = now;
    this.#startedMs = now;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#waitIsNamed = false;
    this.#stretch = 1;
    this.#hints = 0;
    const running = new AbortController();
    this.#running = running;
    this.#listener.onRunStarted();
    // An answer that arrived while the event loop was busy is not late: it is read first.
    const limit = () => clock.afterInput(() => this.#timedOut(running));
    this.#timer = clock.setTimeout(limit, timeoutMs);
    run(running.signal).then(
      // An answer is welcome even late: no other run began meanwhile.
      (end) => this.#ended(() => this.#answered(end)),
      (error) => this.#ended(() => this.#rejected(error, running)),
    );
  }

  /** The list may be out of date. */
  hint(): void {
    const now = this.#runtime.clock.now();
    this.#hints++;
    if (now - this.#hintedMs <= urgentWithinMs) this.#urgent = true;
    this.#hintedMs = now;
    this.#schedule();
  }

  /** The run that goes on knows the list as it is. `changed`: it is not the last one any more, which ends an episode. */
  learned(changed: boolean): void {
    this.#urgent = false;
    if (changed) this.#episodeBeganMs = this.#startedMs;
  }

  close(): void {
    this.#closed = true;
    this.#runtime.clock.clearTimeout(this.#timer);
    this.#running?.abort();
  }

  get #windowEndsMs(): number {
    const share = this.#failing && this.#urgent ? this.#options.urgentShare : windowShare;
    const grown = (this.#startedMs - this.#episodeBeganMs) * share;
    return this.#startedMs + Math.min(Math.max(grown, minWindowMs), maxWindowMs) * this.#stretch;
  }

  get #startsMs(): number {
    const asked = this.#failing || this.#hints > 0;
    const dueMs = asked && !this.#waitIsNamed ? Math.min(this.#windowEndsMs, this.#dueMs) : this.#dueMs;
    return Math.max(dueMs, this.#endedMs + pauseMs);
  }

  /** Starts the next run, now or when it is due. While one goes on, its end does this. */
  #schedule(): void {
    if (this.#closed || this.#running !== undefined) return;
    const { clock } = this.#runtime;
    clock.clearTimeout(this.#timer);
    const waitMs = this.#startsMs - clock.now();
    if (waitMs <= 0) this.start();
    else this.#timer = clock.setTimeout(() => this.start(), waitMs);
  }

  #ended(report: () => void): void {
    this.#running = undefined;
    this.#endedMs = this.#runtime.clock.now();
    if (!this.#closed) report();
  }

  #answered({ againMs, error }: RunEnd): void {
    this.#dueMs = Math.max(this.#endedMs + againMs, this.#startedMs + minWindowMs);
    this.#waitIsNamed = error !== undefined;
    if (error !== undefined) {
      this.#failed(error);
      return;
    }
    this.#failing = false;
    this.#schedule();
  }

  #rejected(error: unknown, running: AbortController): void {
    if (running === this.#saidLate) this.#schedule();
    else this.#failed(error);
  }

  #failed(error: unknown): void {
    // A run that lasted long and then failed is the beginning of an episode, and not the middle of one.
    if (!this.#failing && this.#episodeBeganMs === this.#startedMs) this.#episodeBeganMs = this.#runtime.clock.now();
    this.#failing = true;
    this.#stretch = jitter(1, this.#options.jitter, this.#runtime.random);
    this.#schedule();
    this.#listener.onRunFailed(error);
  }

  #timedOut(running: AbortController): void {
    if (running !== this.#running || running.signal.aborted) return;
    running.abort();
    const error = this.#options.timedOut();
    if (error === undefined) return;
    this.#saidLate = running;
    this.#failed(error);
  }
}
