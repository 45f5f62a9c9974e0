import type { Beat } from "../runtime/beat.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Connection } from "./connection.ts";
import { WriteProgress } from "./write-progress.ts";

/** When a connection is asked whether it lives. */
export interface KeepaliveOptions {
  /** PING after this much silence; undefined: the watchdog's rule instead. gRPC core: GRPC_ARG_KEEPALIVE_TIME_MS. */
  readonly pingIntervalMs: number | undefined;
  /** With `pingIntervalMs`: also without calls. gRPC core: GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS. */
  readonly pingIdleConnection: boolean;
  /** How long a PING may stay unanswered. gRPC core: GRPC_ARG_KEEPALIVE_TIMEOUT_MS. */
  readonly pingTimeoutMs: number;
}

/** Told of a connection's suspicions. Each begins with `onSuspected` and ends with one of the others, or with `stop`. */
export interface KeepaliveListener {
  /** The peer is asked by PING, because a call timed out or because of silence. */
  onSuspected(reason: "deadline" | "silence"): void;
  /** The peer lives. */
  onCleared(): void;
  /** The PING stayed unanswered for `waitedMs`. The last word: whoever hears it closes the connection. */
  onSilent(waitedMs: number): void;
}

/**
 * The watchdog, for connections without `pingIntervalMs`: a call was left without a byte for this long, and that draws
 * one PING. Servers count a client that pings more often than every 5 minutes as abusive (gRFC A8): that is the pace,
 * with something for PINGs whose way takes shorter than their predecessor's.
 */
const watchdog = { silenceMs: 30_000, pingTimeoutMs: 10_000, paceMs: 303_000 } as const;

/** However often servers complain, no pace gets slower by it: without a call they want 2 hours (gRFC A8), never more. */
const slowestPaceMs = 7_200_000;

/** Silence is measured in this many steps: it is noticed at most one step late. */
const stepsPerSilence = 10;

/** A timer this late means that our own event loop stood still, and the peer is owed that time. */
const stallMs = 100;

/**
 * How soon after a PING a suspicion may draw the next one, by how many were answered in a row and nothing of a response
 * came in between; after that the watchdog's pace holds. A server tolerates two PINGs too early (gRFC A8), and forgets
 * them when it sends HEADERS or DATA, but for nothing else: not for RST_STREAM, SETTINGS or WINDOW_UPDATE.
 */
const suspectPacesMs = [1_000, 10_000, 60_000] as const;

/** How often the keepalives of connections with these options look at them. `Infinity`: never. */
export function keepaliveStepMs({ pingIntervalMs = watchdog.silenceMs }: KeepaliveOptions): number {
  return pingIntervalMs / stepsPerSilence;
}

/** One PING under way. */
interface Probe {
  readonly askedMs: number;
  readonly timeoutMs: number;
  readonly bytesReadBefore: number;
  timer: TimerHandle | undefined;
}

/**
 * Finds out whether a connection's peer still answers: by PING when it left calls without a byte for too long, or when
 * asked to ({@link suspect}). Any byte read after the PING counts as an answer, for a busy peer may be slow to
 * acknowledge. Nothing here runs per call: the connection's counters are looked at a few times per interval, at a beat that
 * all connections of a pool share.
 */
export class Keepalive {
  readonly #connection: Connection;
  readonly #options: KeepaliveOptions;
  readonly #clock: Clock;
  readonly #listener: KeepaliveListener;
  readonly #writes = new WriteProgress();
  readonly #beat: Beat;
  readonly #onBeat = (lateMs: number): void => this.#looked(lateMs);
  #stopped = false;
  /** The least time between two PINGs. */
  #paceMs: number;
  /** The pace that held when the peer was last asked: this is what it may complain of. */
  #askedPaceMs: number;
  /** Since when a byte has been waited for; undefined: no call has gone without one since the last. */
  #waitingSinceMs: number | undefined;
  #lastProbeMs = Number.NEGATIVE_INFINITY;
  #probe: Probe | undefined;
  /** PINGs answered in a row between which nothing of a response came. Servers count these as strikes (gRFC A8). */
  #bareAnswers = 0;
  #responsesAtAnswer = 0;
  #ownPingsAtAnswer = 0;
  /** What the connection showed at the last look. */
  #bytesRead = 0;
  #streamsStarted = 0;

  /** `beat`: of {@link keepaliveStepMs}. */
  constructor(
    connection: Connection,
    options: KeepaliveOptions,
    { clock, beat }: { readonly clock: Clock; readonly beat: Beat },
    listener: KeepaliveListener,
  ) {
    this.#connection = connection;
    this.#options = options;
    this.#clock = clock;
    this.#beat = beat;
    this.#listener = listener;
    this.#paceMs = options.pingIntervalMs ?? watchdog.paceMs;
    this.#askedPaceMs = this.#paceMs;
    this.#look();
    beat.add(this.#onBeat);
  }

  /** True while a PING waits for its answer. */
  get isSuspicious(): boolean {
    return this.#probe !== undefined;
  }

  /** The pace that a server wants which complains of too many PINGs: half of what it met (gRFC A8). */
  get slowerPaceMs(): number {
    return Math.max(this.#askedPaceMs, Math.min(2 * this.#askedPaceMs, slowestPaceMs));
  }

  /**
   * Asks the peer now, unless it was asked a moment ago: at most one PING is in flight, which a further suspicion joins,
   * and a server with slow handlers is not pinged for each call that times out. With `pingIntervalMs` that is the pace,
   * and with `Infinity` there are no PINGs at all. To be called while the call that timed out is still open: a server
   * that has no call takes PINGs amiss.
   */
  suspect(): void {
    if (this.#probe === undefined && this.#mayAsk("deadline")) this.#ask("deadline", this.#options.pingTimeoutMs);
  }

  /** From now on at least `paceMs` lie between two PINGs. A pace that is slower already stays. */
  slowDownTo(paceMs: number): void {
    this.#paceMs = Math.max(this.#paceMs, paceMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#beat.delete(this.#onBeat);
    this.#clock.clearTimeout(this.#probe?.timer);
    this.#probe = undefined;
  }

  get #silenceMs(): number {
    return this.#options.pingIntervalMs === undefined ? watchdog.silenceMs : this.#paceMs;
  }

  #looked(lateMs: number): void {
    // Whoever is on the way may forget the connections of a process that is stopped for so long: each is asked before a
    // call finds out, once what came meanwhile has been read.
    if (lateMs >= this.#silenceMs) this.#clock.afterInput(() => this.#check(lateMs));
    else this.#check(0);
  }

  #check(stoppedMs: number): void {
    if (this.#stopped) return;
    this.#look();
    const probe = this.#probe;
    if (probe !== undefined) {
      if (this.#bytesRead !== probe.bytesReadBefore) this.#answered(probe);
      return;
    }
    const waitedMs = Math.max(stoppedMs, this.#clock.now() - (this.#waitingSinceMs ?? Number.POSITIVE_INFINITY));
    if (waitedMs < this.#silenceMs || !this.#mayAsk("silence")) return;
    const { pingIntervalMs, pingTimeoutMs } = this.#options;
    this.#ask("silence", pingIntervalMs === undefined ? watchdog.pingTimeoutMs : pingTimeoutMs);
  }

  /** Takes note of what happened since the last look. */
  #look(): void {
    const { bytesRead, openStreams, streamsStarted } = this.#connection;
    const nowMs = this.#clock.now();
    const began = streamsStarted !== this.#streamsStarted;
    const hasRead = bytesRead !== this.#bytesRead;
    if (hasRead) this.#writes.answered(nowMs);
    const isAlive = this.#writes.look(this.#connection, nowMs, keepaliveStepMs(this.#options)) || hasRead;
    if (isAlive) this.#waitingSinceMs = undefined;
    if (openStreams > 0 || (began && !isAlive) || this.#asksIdle) this.#waitingSinceMs ??= nowMs;
    this.#bytesRead = bytesRead;
    this.#streamsStarted = streamsStarted;
  }

  get #asksIdle(): boolean {
    return this.#options.pingIntervalMs !== undefined && this.#options.pingIdleConnection;
  }

  /** Whether the peer would put up with a PING now. */
  #mayAsk(reason: "deadline" | "silence"): boolean {
    const { openStreams, responsesRead, ownPings } = this.#connection;
    // A PING of the engine's own may have come after the last of a response: then the server counts from there.
    if (responsesRead !== this.#responsesAtAnswer) this.#bareAnswers = ownPings === this.#ownPingsAtAnswer ? 0 : 1;
    // Without a call each is one too many (gRFC A8), however far apart.
    if (openStreams === 0 && this.#bareAnswers >= suspectPacesMs.length && !this.#asksIdle) return false;
    const hurries =
      reason === "deadline" && this.#options.pingIntervalMs === undefined && this.#paceMs === watchdog.paceMs;
    const paceMs = (hurries ? suspectPacesMs[this.#bareAnswers] : undefined) ?? this.#paceMs;
    return paceMs !== Number.POSITIVE_INFINITY && this.#clock.now() - this.#lastProbeMs >= paceMs;
  }

  #ask(reason: "deadline" | "silence", timeoutMs: number): void {
    this.#look();
    const askedMs = this.#clock.now();
    const probe: Probe = { askedMs, timeoutMs, bytesReadBefore: this.#bytesRead, timer: undefined };
    this.#probe = probe;
    this.#lastProbeMs = askedMs;
    this.#askedPaceMs = this.#paceMs;
    this.#await(probe, timeoutMs);
    this.#listener.onSuspected(reason);
    this.#connection.ping(() => this.#answered(probe));
  }

  #await(probe: Probe, waitMs: number): void {
    const dueMs = this.#clock.now() + waitMs;
    probe.timer = this.#clock.setTimeout(() => {
      const lateMs = this.#clock.now() - dueMs;
      // What has already arrived is read before the peer is judged.
      this.#clock.afterInput(() => {
        if (this.#probe !== probe) return;
        this.#look();
        const remainingMs = this.#dueMs(probe) - this.#clock.now();
        if (this.#bytesRead !== probe.bytesReadBefore) this.#answered(probe);
        else if (remainingMs > 0) this.#await(probe, remainingMs);
        else if (lateMs > stallMs) this.#await(probe, Math.min(lateMs, waitMs));
        else this.#silent(probe);
      });
    }, waitMs);
  }

  /** Its time runs from when the PING left: the peer had first to read what went before it. */
  #dueMs({ askedMs, timeoutMs }: Probe): number {
    const { lastMs, inKernelsMs } = this.#writes;
    return Math.max(askedMs, lastMs) + timeoutMs + inKernelsMs;
  }

  #answered(probe: Probe): void {
    if (this.#probe !== probe) return;
    this.#clock.clearTimeout(probe.timer);
    this.#probe = undefined;
    this.#waitingSinceMs = undefined;
    this.#look();
    this.#responsesAtAnswer = this.#connection.responsesRead;
    this.#ownPingsAtAnswer = this.#connection.ownPings;
    this.#bareAnswers++;
    this.#listener.onCleared();
  }

  #silent(probe: Probe): void {
    this.stop();
    this.#listener.onSilent(Math.round(this.#clock.now() - probe.askedMs));
  }
}
