import type { ApiResponse, ApiServer } from "../../src/kubernetes/api-server.ts";
import { watchSlices } from "../../src/kubernetes/cluster.ts";
import type { ResolverWatch } from "../../src/resolver/resolver.ts";
import type { Clock, TimerHandle } from "../../src/runtime/clock.ts";
import { QuietHold } from "./quiet-hold.ts";
import { seededRandom } from "./random.ts";
import { readyEndpoint, slice } from "./slices.ts";

interface FleetTimer {
  readonly callback: () => void;
  isCancelled: boolean;
}

/** Time goes in steps of this. */
const stepMs = 10;

/** A clock turned by hand that bears as many timers as a fleet has: they are kept by the step in which they are due. */
class FleetClock implements Clock {
  #nowMs = 1_000;
  readonly #timers = new Map<number, FleetTimer[]>();

  now(): number {
    return this.#nowMs;
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer = { callback, isCancelled: false };
    if (delayMs === Number.POSITIVE_INFINITY) return timer;
    const atMs = Math.max(Math.ceil((this.#nowMs + delayMs) / stepMs) * stepMs, this.#nowMs + stepMs);
    const due = this.#timers.get(atMs);
    if (due === undefined) this.#timers.set(atMs, [timer]);
    else due.push(timer);
    return timer;
  }

  clearTimeout(timer: TimerHandle | undefined): void {
    if (timer !== undefined) (timer as FleetTimer).isCancelled = true;
  }

  afterInput(callback: () => void): void {
    setImmediate(callback);
  }

  async advance(ms: number): Promise<void> {
    for (const untilMs = this.#nowMs + ms; this.#nowMs < untilMs; ) {
      this.#nowMs += stepMs;
      const due = this.#timers.get(this.#nowMs) ?? [];
      this.#timers.delete(this.#nowMs);
      // One that is due may cancel another.
      for (const timer of due) if (!timer.isCancelled) timer.callback();
      if (due.length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** An API server for many clients without a socket: it counts, and may be away. */
class FleetServer implements ApiServer {
  readonly url = "https://api";
  /** How many lists were asked for in each second of the clock. */
  readonly listsBySecond = new Map<number, number>();
  isAway = false;
  readonly #clock: Clock;
  readonly #watches = new Set<() => void>();
  #version = 100;
  #compacted = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get watches(): number {
    return this.#watches.size;
  }

  forgetToken(): void {}

  async get(path: string, _headersMs: number, signal: AbortSignal): Promise<ApiResponse> {
    if (this.isAway) throw new Error("connect ECONNREFUSED");
    const query = new URLSearchParams(path.slice(path.indexOf("?")));
    const isWatch = query.get("watch") === "1";
    if (!isWatch) {
      const second = Math.floor(this.#clock.now() / 1_000);
      this.listsBySecond.set(second, (this.listsBySecond.get(second) ?? 0) + 1);
    }
    const isFromNow = query.get("sendInitialEvents") === "false";
    const expired = !isFromNow && Number(query.get("resourceVersion")) < this.#compacted;
    const body = isWatch ? this.#watch(expired, signal) : this.#list();
    return { status: 200, retryAfter: undefined, token: undefined, body };
  }

  /** Cuts all watches, and is away. */
  stop(): void {
    this.isAway = true;
    for (const end of this.#watches) end();
  }

  /** Is back, and has forgotten what was. */
  startWithoutHistory(): void {
    this.isAway = false;
    this.#version++;
    this.#compacted = this.#version;
  }

  async *#list(): AsyncGenerator<Uint8Array> {
    const items = [slice("a", [readyEndpoint("10.0.0.1")])];
    yield Buffer.from(JSON.stringify({ metadata: { resourceVersion: `${this.#version}` }, items }));
  }

  async *#watch(expired: boolean, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    if (expired) {
      yield Buffer.from(`${JSON.stringify({ type: "ERROR", object: { code: 410, message: "too old" } })}\n`);
      return;
    }
    await new Promise<void>((_, reject) => {
      const end = (): void => {
        this.#watches.delete(end);
        reject(new Error("the watch was cut"));
      };
      this.#watches.add(end);
      signal.addEventListener("abort", end, { once: true });
    });
  }
}

/**
 * So many processes that watch one Service from now on, each with its own chance, and with the hints of a rotation timer. They
 * wait for their first list by up to `startSpreadMs`.
 */
function startFleet(size: number, api: ApiServer, clock: Clock, startSpreadMs = 0): readonly ResolverWatch[] {
  const random = seededRandom(7);
  const listener = { onResolution: () => undefined, onAddresses: () => undefined, onError: () => undefined };
  const runtime = { clock, random, hold: new QuietHold() };
  const of = { namespace: "shop", service: "echo", port: 50_051, zone: undefined, node: undefined, startSpreadMs };
  const watches = Array.from({ length: size }, () => watchSlices(api, of, runtime, listener));
  for (const watch of watches) {
    const rotate = () => {
      watch.refresh();
      clock.setTimeout(rotate, 30_000 * (0.9 + 0.2 * random.next()));
    };
    clock.setTimeout(rotate, 30_000 * random.next());
  }
  return watches;
}

/** How many of a fleet asked for a list, and how many of them in the worst second. */
export interface FleetLists {
  readonly all: number;
  readonly worstSecond: number;
}

/** The start of a fleet, all at the same moment, and its return to a server that has lost its history. */
export async function fleetLists(
  size: number,
  startSpreadMs: number,
): Promise<{ readonly start: FleetLists; readonly back: FleetLists; readonly watches: number }> {
  const clock = new FleetClock();
  const api = new FleetServer(clock);
  const counted = (): FleetLists => {
    const lists = [...api.listsBySecond.values()];
    api.listsBySecond.clear();
    return { all: lists.reduce((sum, count) => sum + count, 0), worstSecond: Math.max(0, ...lists) };
  };
  const watches = startFleet(size, api, clock, startSpreadMs);
  await clock.advance(33_000);
  const start = counted();
  api.stop();
  await clock.advance(60_000);
  api.startWithoutHistory();
  await clock.advance(90_000);
  const back = counted();
  const open = api.watches;
  for (const watch of watches) watch.close();
  return { start, back, watches: open };
}
