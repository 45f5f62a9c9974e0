import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { CallContext, Clock } from "../../index.ts";
import { Durations, rememberedMs } from "./durations.ts";

const channelName = "tracing:glink:call:asyncEnd";

/** Quantiles of the last minute, in milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** Hears how calls ended. */
interface CallListener {
  onCallEnded(call: CallContext): void;
}

/**
 * How long unary calls take, by target, heard on the tracing channel `glink:call`. Only while somebody reads: a call costs
 * more while a tracing channel is heard, and it is heard for a minute after the last reader. Transports to one target are
 * one here.
 */
export class CallDurations {
  readonly #clock: Clock;
  /** Of the targets that were asked for. */
  readonly #durations = new Map<string, Durations>();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #stop: (() => void) | undefined;
  /** Held here, and weakly by the channel: it lives as long as this. */
  readonly #listener: CallListener = { onCallEnded: (call) => this.#ended(call) };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Somebody reads. Undefined where no call to `target` has ended since the first of its readers came. */
  quantiles(target: string): Quantiles | undefined {
    const nowMs = this.#clock.now();
    this.#readAtMs = nowMs;
    this.#stop ??= hearCalls(new WeakRef(this.#listener));
    const durations = this.#durations.get(target) ?? new Durations();
    this.#durations.set(target, durations);
    const p50 = durations.quantile(0.5, nowMs);
    const p99 = durations.quantile(0.99, nowMs);
    return p50 === undefined || p99 === undefined ? undefined : { p50, p99 };
  }

  /** Forgets all, and hears nothing until somebody reads again. */
  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#durations.clear();
  }

  #ended({ target, kind, durationMs }: CallContext): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#readAtMs > rememberedMs) {
      this.close();
      return;
    }
    if (kind === "unary" && durationMs !== undefined) this.#durations.get(target)?.record(durationMs, nowMs);
  }
}

/** Until the returned function is called, or nobody else holds `listener`: a channel holds its subscribers for ever. */
function hearCalls(listener: WeakRef<CallListener>): () => void {
  const stop = () => {
    // Not within a message: those who hear it after this one would miss it.
    Promise.resolve().then(() => unsubscribe(channelName, hear));
  };
  const hear = (message: unknown) => {
    const told = listener.deref();
    if (told === undefined) stop();
    else told.onCallEnded(message as CallContext);
  };
  subscribe(channelName, hear);
  return stop;
}
