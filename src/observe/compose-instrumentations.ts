import type { Events } from "./events.ts";
import type { CallStart, CallTracer, ChannelView, Instrumentation } from "./instrumentation.ts";
import { callUserCode, reportRejection, reportUserCode } from "./user-code.ts";

/** Where `user-code-failed` says that something was thrown. */
export const instrumentationPlace = "instrumentation";

/**
 * The instrumentations of a channel as one, which never throws: what the user's code throws is a `user-code-failed` event,
 * and the others hear what they would have heard.
 */
export interface Instrumentations extends Required<Pick<Instrumentation, "background" | "attach">> {
  /**
   * The tracers of those who follow the call, undefined for none. They are the user's code: what calls them catches what
   * they throw.
   */
  callStarted(call: CallStart): CallTracer[] | undefined;
}

/** Undefined for none, so that a call without instrumentation tests that alone. */
export function composeInstrumentations(
  list: readonly Instrumentation[],
  events: Events,
): Instrumentations | undefined {
  return list.length === 0 ? undefined : new Composition(list, events);
}

class Composition implements Instrumentations {
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
        this.#guarded(() => one.background?.(inner));
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
      const undo = this.#guarded(() => one.attach?.(view));
      if (undo !== undefined) detach.push(undo);
    }
    return () => {
      for (const undo of detach) this.#guarded(undo);
    };
  }

  callStarted(call: CallStart): CallTracer[] | undefined {
    let tracers: CallTracer[] | undefined;
    for (const one of this.#list) {
      try {
        const tracer = one.callStarted?.(call);
        if (tracer === undefined) continue;
        reportRejection(this.#events, instrumentationPlace, tracer);
        if (tracers === undefined) tracers = [tracer];
        else tracers.push(tracer);
      } catch (error) {
        reportUserCode(this.#events, instrumentationPlace, error);
      }
    }
    return tracers;
  }

  /** What the user's code returns; undefined where it throws, which is told. A promise that it returns may reject, too. */
  #guarded<R>(code: () => R): R | undefined {
    let result: R | undefined;
    const run = () => {
      result = code();
      return result;
    };
    callUserCode(run, [], (error) => reportUserCode(this.#events, instrumentationPlace, error));
    return result;
  }
}
