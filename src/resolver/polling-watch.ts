import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Lookup, LookupAnswer } from "./lookup.ts";
import type { ResolverListener, ResolverWatch } from "./resolver.ts";

/** What a polling watch asks, and for how long. */
export interface PollingOptions {
  readonly lookup: Lookup;
  /** The port of every address found. */
  readonly port: number;
  /** A lookup that takes longer has failed. */
  readonly timeoutMs: number;
}

/** After the start of a lookup no other starts within this, whoever asks. */
const minWindowMs = 1_000;

/** The window of a long episode, and so the longest wait until a failed lookup is tried again. */
const maxWindowMs = 30_000;

/** In an episode a window is this share of the time that the episode has lasted. */
const windowShare = 1 / 4;

/**
 * More than one hint in this time, on average, is calls and dials that fail. Fewer may be a rotation timer: its shortest
 * interval is 1 s, less 10 % jitter, and it must get what it asks for.
 */
const stormIntervalMs = 900;

/**
 * Between two lookups there is always a pause. A pending lookup keeps the process alive, so this is when a process that
 * has nothing else left ends: without it, slow lookups could follow each other for ever.
 */
const pauseMs = 100;

/**
 * Watches a name by asking again and again: at once, then at each hint, when the shortest TTL ends, and after a
 * failure by itself.
 *
 * One lookup at a time. Its start opens a window in which no other starts; a hint inside the window is remembered and
 * served when the window ends, or when the TTL does. The window is 1 s, and grows to 30 s during an episode: as long as
 * lookups fail, or hints storm in without the list changing. An episode ends when the list changes or a window was calm.
 *
 * Whether a call is open makes no difference: a transport with few calls needs a fresh list for the next one. Between
 * lookups nothing here keeps the process alive.
 */
export class PollingWatch implements ResolverWatch {
  readonly #options: PollingOptions;
  readonly #listener: ResolverListener;
  readonly #clock: Clock;
  /** Set while a lookup runs; aborted when its answer is no longer waited for. */
  #running: AbortController | undefined;
  /** The lookup that runs has brought something of use already. */
  #foundSome = false;
  /** The limit of the lookup that runs, or the start of the next one. */
  #timer: TimerHandle | undefined;
  #startedMs = 0;
  #endedMs = 0;
  #windowMs = minWindowMs;
  #ttlEndsMs = Number.POSITIVE_INFINITY;
  #episodeBeganMs = 0;
  /** Since the start of the newest lookup. */
  #hints = 0;
  #failing = false;
  #knownHosts = "";
  #closed = false;
  #nextMs: number | undefined;

  constructor(options: PollingOptions, listener: ResolverListener, clock: Clock) {
    this.#options = options;
    this.#listener = listener;
    this.#clock = clock;
    this.#start();
  }

  refresh(): void {
    this.#hints++;
    this.#schedule();
  }

  get nextLookupMs(): number | undefined {
    return this.#nextMs;
  }

  close(): void {
    this.#closed = true;
    this.#clock.clearTimeout(this.#timer);
    this.#running?.abort();
  }

  /** Starts the next lookup, now or when it is due. While one runs, its end does this. */
  #schedule(): void {
    if (this.#closed || this.#running !== undefined) return;
    this.#clock.clearTimeout(this.#timer);
    const asked = this.#failing || this.#hints > 0;
    const dueMs = asked ? Math.min(this.#startedMs + this.#windowMs, this.#ttlEndsMs) : this.#ttlEndsMs;
    const waitMs = Math.max(dueMs, this.#endedMs + pauseMs) - this.#clock.now();
    this.#nextMs = waitMs === Number.POSITIVE_INFINITY ? undefined : this.#clock.now() + waitMs;
    if (waitMs <= 0) this.#start();
    else this.#timer = this.#clock.setTimeout(() => this.#start(), waitMs);
  }

  #start(): void {
    const { lookup, timeoutMs } = this.#options;
    const now = this.#clock.now();
    const storm = this.#hints > (now - this.#startedMs) / stormIntervalMs;
    if (!this.#failing && !storm) this.#episodeBeganMs = now;
    const share = (now - this.#episodeBeganMs) * windowShare;
    this.#windowMs = Math.min(Math.max(share, minWindowMs), maxWindowMs);
    this.#startedMs = now;
    this.#nextMs = undefined;
    this.#listener.onLookupStarted?.();
    this.#ttlEndsMs = Number.POSITIVE_INFINITY;
    this.#hints = 0;
    const running = new AbortController();
    this.#running = running;
    this.#foundSome = false;
    // An answer that arrived while the event loop was busy is not late: it is read first.
    const limit = () => this.#clock.afterInput(() => this.#timedOut(running));
    this.#timer = this.#clock.setTimeout(limit, timeoutMs);
    const found = (answer: LookupAnswer) => {
      if (!this.#closed) this.#found(answer);
    };
    lookup.ask(running.signal, found).then(
      // An answer is welcome even late: no other lookup began meanwhile. With a dead first name server, getaddrinfo
      // takes longer than the limit every time.
      (answer) => this.#ended(() => this.#answered(answer)),
      (error) => this.#ended(() => (this.#timeoutReported(running) ? this.#schedule() : this.#failed(error))),
    );
  }

  #ended(report: () => void): void {
    this.#running = undefined;
    this.#endedMs = this.#clock.now();
    if (!this.#closed) report();
  }

  /** Not the last word of the lookup that runs: what is known is reported where it differs. */
  #found(answer: LookupAnswer): void {
    this.#foundSome = true;
    if (this.#notesChange(answer)) this.#report(answer);
  }

  #answered(answer: LookupAnswer): void {
    if (answer.hosts.length === 0) {
      const { source, host } = this.#options.lookup;
      this.#failed(new Error(`${source} has no address for ${host}`));
      return;
    }
    this.#failing = false;
    this.#notesChange(answer);
    this.#ttlEndsMs = Math.max(this.#clock.now() + answer.ttlMs, this.#startedMs + minWindowMs);
    this.#schedule();
    this.#report(answer);
  }

  /** True when the list is not the last one any more: that ends an episode. */
  #notesChange(answer: LookupAnswer): boolean {
    const text = textOf(answer);
    if (text === this.#knownHosts) return false;
    this.#knownHosts = text;
    this.#episodeBeganMs = this.#startedMs;
    this.#windowMs = minWindowMs;
    return true;
  }

  #report({ hosts, fallbackHosts }: LookupAnswer): void {
    const { port } = this.#options;
    const toAddress = (host: string) => ({ host, port });
    this.#listener.onAddresses(hosts.map(toAddress), fallbackHosts.map(toAddress));
  }

  #failed(error: unknown): void {
    this.#failing = true;
    this.#schedule();
    this.#listener.onError(error);
  }

  #timedOut(running: AbortController): void {
    if (running !== this.#running || running.signal.aborted) return;
    const { lookup, timeoutMs } = this.#options;
    running.abort();
    // What it has found is an answer, and how good a one the lookup says itself when it ends.
    if (this.#foundSome) return;
    this.#failed(new Error(`${lookup.source} gave no answer for ${lookup.host} within ${timeoutMs} ms`));
  }

  #timeoutReported({ signal }: AbortController): boolean {
    return signal.aborted && !this.#foundSome;
  }
}

/** The same for the same addresses in any order. */
function textOf({ hosts, fallbackHosts }: LookupAnswer): string {
  return [hosts, fallbackHosts].map((list) => [...new Set(list)].sort().join()).join(" ");
}
