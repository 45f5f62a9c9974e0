import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Connection } from "./connection.ts";

/** When a connection is asked whether it lives. */
export interface KeepaliveOptions {
  /** PING after this much silence; undefined: the watchdog's rule instead. gRPC core: GRPC_ARG_KEEPALIVE_TIME_MS. */
  readonly pingIntervalMs: number | undefined;
  /** With `pingIntervalMs`: also without open calls. gRPC core: GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS. */
  readonly pingIdleConnection: boolean;
  /** How long a PING may stay unanswered. gRPC core: GRPC_ARG_KEEPALIVE_TIMEOUT_MS. */
  readonly pingTimeoutMs: number;
}

/** Told of a connection's suspicions. Each begins with `suspected` and ends with one of the others, or with `stop`. */
export interface KeepaliveListener {
  /** The peer is asked by PING, because a call timed out or because of silence. */
  suspected(reason: "deadline" | "silence"): void;
  /** The peer lives. */
  cleared(): void;
  /** The PING stayed unanswered for `waitedMs`. The last word: whoever hears it closes the connection. */
  silent(waitedMs: number): void;
}

/**
 * The watchdog, for connections without `pingIntervalMs`: open calls and no byte read for this long draw one PING.
 * Servers count a client that pings more often than every 5 minutes as abusive (gRFC A8), so that is the pace.
 */
const watchdog = { silenceMs: 30_000, pingTimeoutMs: 10_000, paceMs: 300_000 } as const;

/** Silence is measured in this many steps: it is noticed at most one step late. */
const stepsPerInterval = 10;

/** A timer this late means that our own event loop stood still, and the peer is owed that time. */
const stallMs = 100;

/**
 * How soon after a PING a suspicion may draw the next one, by how many PINGs in a row were answered and nothing else
 * came from the peer in between; after that the watchdog's pace holds. A server tolerates two PINGs too early (gRFC A8),
 * and data that it sends makes it forget them.
 */
const suspectPacesMs = [1_000, 10_000, 60_000] as const;

/** One PING under way. */
interface Probe {
  readonly bytesReadBefore: number;
  timer: TimerHandle | undefined;
}

/**
 * Finds out whether a connection's peer still answers: by PING when it was silent too long, or when asked to
 * ({@link suspect}). Any byte read after the PING counts as an answer, for a busy peer may be slow to acknowledge.
 * Nothing here runs per call: the connection's byte counter is looked at a few times per interval.
 */
export class Keepalive {
  readonly #connection: Connection;
  readonly #options: KeepaliveOptions;
  readonly #clock: Clock;
  readonly #listener: KeepaliveListener;
  #tickTimer: TimerHandle | undefined;
  #bytesRead = 0;
  #lastReadMs: number;
  #lastProbeMs = Number.NEGATIVE_INFINITY;
  #probe: Probe | undefined;
  #intervalMs: number;
  /** Bytes read when the last PING was answered: what came since then came by itself. */
  #bytesReadAtAnswer = 0;
  /** Answered PINGs in a row between which the peer sent nothing else. Servers count these as strikes (gRFC A8). */
  #bareAnswers = 0;

  constructor(connection: Connection, options: KeepaliveOptions, clock: Clock, listener: KeepaliveListener) {
    this.#connection = connection;
    this.#options = options;
    this.#clock = clock;
    this.#listener = listener;
    this.#lastReadMs = clock.now();
    this.#intervalMs = options.pingIntervalMs ?? watchdog.silenceMs;
    this.#scheduleTick();
  }

  /** True while a PING waits for its answer. */
  get isSuspicious(): boolean {
    return this.#probe !== undefined;
  }

  /**
   * Asks the peer now, unless it was asked a moment ago: at most one PING is in flight, which a further suspicion joins,
   * and a server with slow handlers is not pinged for each call that times out. With `pingIntervalMs` that is the pace,
   * and with `Infinity` there are no PINGs at all.
   */
  suspect(): void {
    if (this.#probe !== undefined || this.#intervalMs === Number.POSITIVE_INFINITY) return;
    const { pingIntervalMs, pingTimeoutMs } = this.#options;
    if (this.#connection.bytesRead !== this.#bytesReadAtAnswer) this.#bareAnswers = 0;
    const paceMs =
      pingIntervalMs === undefined ? (suspectPacesMs[this.#bareAnswers] ?? watchdog.paceMs) : this.#intervalMs;
    if (this.#clock.now() - this.#lastProbeMs >= paceMs) this.#ping("deadline", pingTimeoutMs);
  }

  /** The server said too_many_pings: from now on ask half as often (gRFC A8). */
  slowDown(): void {
    this.#intervalMs *= 2;
  }

  stop(): void {
    this.#clock.clearTimeout(this.#tickTimer);
    this.#clock.clearTimeout(this.#probe?.timer);
    this.#tickTimer = undefined;
    this.#probe = undefined;
  }

  #scheduleTick(): void {
    this.#tickTimer = this.#clock.setTimeout(() => this.#tick(), this.#intervalMs / stepsPerInterval);
  }

  #tick(): void {
    this.#scheduleTick();
    const { bytesRead, openStreams } = this.#connection;
    const now = this.#clock.now();
    const { pingIntervalMs, pingIdleConnection, pingTimeoutMs } = this.#options;
    const watched = openStreams > 0 || (pingIntervalMs !== undefined && pingIdleConnection);
    if (bytesRead !== this.#bytesRead || !watched) {
      this.#bytesRead = bytesRead;
      this.#lastReadMs = now;
      return;
    }
    if (this.#probe !== undefined || now - this.#lastReadMs < this.#intervalMs) return;
    if (pingIntervalMs === undefined) {
      if (now - this.#lastProbeMs >= watchdog.paceMs) this.#ping("silence", watchdog.pingTimeoutMs);
    } else {
      this.#ping("silence", pingTimeoutMs);
    }
  }

  #ping(reason: "deadline" | "silence", timeoutMs: number): void {
    const probe: Probe = { bytesReadBefore: this.#connection.bytesRead, timer: undefined };
    this.#probe = probe;
    this.#lastProbeMs = this.#clock.now();
    this.#await(probe, timeoutMs, this.#lastProbeMs);
    this.#connection.ping(() => this.#answered(probe));
    this.#listener.suspected(reason);
  }

  #await(probe: Probe, waitMs: number, sinceMs: number): void {
    const dueMs = this.#clock.now() + waitMs;
    probe.timer = this.#clock.setTimeout(() => {
      const lateMs = this.#clock.now() - dueMs;
      // What has already arrived is read before the peer is judged.
      this.#clock.afterInput(() => {
        if (this.#probe !== probe) return;
        if (this.#connection.bytesRead !== probe.bytesReadBefore) this.#answered(probe);
        else if (lateMs > stallMs) this.#await(probe, Math.min(lateMs, waitMs), sinceMs);
        else this.#silent(sinceMs);
      });
    }, waitMs);
  }

  #answered(probe: Probe): void {
    if (this.#probe !== probe) return;
    this.#clock.clearTimeout(probe.timer);
    this.#probe = undefined;
    this.#lastReadMs = this.#clock.now();
    this.#bytesReadAtAnswer = this.#connection.bytesRead;
    this.#bareAnswers++;
    this.#listener.cleared();
  }

  #silent(sinceMs: number): void {
    const waitedMs = Math.round(this.#clock.now() - sinceMs);
    this.stop();
    this.#listener.silent(waitedMs);
  }
}
