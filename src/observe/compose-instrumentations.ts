import type { Events } from "./events.ts";
import type {
  AttemptEnd,
  AttemptStart,
  AttemptTracer,
  CallEnd,
  CallStart,
  CallTracer,
  ChannelView,
  Instrumentation,
} from "./instrumentation.ts";
import { callUserCode, reportUserCode } from "./user-code.ts";
import type { WaitReason } from "./wait-reason.ts";

/**
 * Several instrumentations as one, which never throws: what the user's code throws is a `user-code-failed` event, and the
 * others hear what they would have heard. Undefined for none, so that a call without instrumentation tests that alone.
 */
export function composeInstrumentations(
  list: readonly Instrumentation[],
  events: Events,
): Required<Instrumentation> | undefined {
  return list.length === 0 ? undefined : new Composition(list, events);
}

class Composition implements Required<Instrumentation> {
  readonly #list: readonly Instrumentation[];
  readonly #events: Events;

  constructor(list: readonly Instrumentation[], events: Events) {
    this.#list = list;
    this.#events = events;
  }

  background<T>(build: () => T): T {
    let built: { readonly value: T } | undefined;
    const buildOnce = () => {
      built ??= { value: build() };
      return built.value;
    };
    const nested = this.#list.reduceRight<() => T>(
      (inner, one) => () => {
        guarded(this.#events, () => one.background?.(inner));
        // Whoever threw, or forgot to call, changes nothing.
        return inner();
      },
      buildOnce,
    );
    return nested();
  }

  attach(view: ChannelView): () => void {
    const detach: (() => void)[] = [];
    for (const one of this.#list) {
      const undo = guarded(this.#events, () => one.attach?.(view));
      if (undo !== undefined) detach.push(undo);
    }
    return () => {
      for (const undo of detach) guarded(this.#events, undo);
    };
  }

  callStarted(call: CallStart): CallTracer | undefined {
    const tracers: CallTracer[] = [];
    for (const one of this.#list) {
      const tracer = guarded(this.#events, () => one.callStarted?.(call));
      if (tracer !== undefined) tracers.push(tracer);
    }
    return tracers.length === 0 ? undefined : new CallTracers(tracers, this.#events);
  }
}

class CallTracers implements Required<CallTracer> {
  readonly #list: readonly CallTracer[];
  readonly #events: Events;

  constructor(list: readonly CallTracer[], events: Events) {
    this.#list = list;
    this.#events = events;
  }

  attemptStarted(attempt: AttemptStart): AttemptTracer | undefined {
    const tracers: AttemptTracer[] = [];
    for (const one of this.#list) {
      const tracer = guarded(this.#events, () => one.attemptStarted?.(attempt));
      if (tracer !== undefined) tracers.push(tracer);
    }
    if (tracers.length === 0) return undefined;
    return { ended: (end: AttemptEnd) => this.#each(tracers, (tracer) => tracer.ended(end)) };
  }

  waited(why: WaitReason, ms: number): void {
    this.#each(this.#list, (tracer) => tracer.waited?.(why, ms));
  }

  ended(end: CallEnd): void {
    this.#each(this.#list, (tracer) => tracer.ended(end));
  }

  #each<T>(list: readonly T[], tell: (one: T) => void): void {
    for (const one of list) guarded(this.#events, () => tell(one));
  }
}

/** What the user's code returns; undefined where it throws, which is told. A promise that it returns may reject, too. */
function guarded<R>(events: Events, code: () => R): R | undefined {
  let result: R | undefined;
  const run = () => {
    result = code();
    return result;
  };
  callUserCode(run, [], (error) => reportUserCode(events, "instrumentation", error));
  return result;
}
