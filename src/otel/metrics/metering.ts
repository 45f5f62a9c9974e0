import type { CallStart, CallTracer, ChannelNames, ChannelView, Instrumentation, MethodSpec } from "../../index.ts";
import { instruments } from "./catalog.ts";
import type { MetricChoice } from "./choice.ts";
import { recordLatencies } from "./latencies.ts";
import type { MethodMeter } from "./method-meter.ts";
import type { HistogramStore, Reading } from "./series.ts";
import { Sums } from "./sums.ts";
import { TargetBook } from "./target-book.ts";
import { viewReadings } from "./view-readings.ts";

/** Who has counters and gauges to read. */
export interface Readable {
  readonly choice: MetricChoice;
  /** Each name with the same attributes once. */
  readings(): Iterable<Reading>;
  /** Gives its counters away, for good: those that are read from now on begin at 0. */
  handOver(): readonly Reading[];
}

/** Measures all transports that it is given to, and their calls. */
export class Metering implements Pick<Instrumentation, "attach" | "callStarted">, Readable {
  readonly choice: MetricChoice;
  readonly #store: HistogramStore;
  readonly #views = new Set<ChannelView>();
  readonly #books = new Map<string, TargetBook>();
  readonly #meters = new WeakMap<MethodSpec, MethodMeter>();
  /** What transports counted that are closed: a counter that went down would be a new beginning. */
  #closed = new Sums();

  constructor(choice: MetricChoice, storeOf: (readable: Readable) => HistogramStore) {
    this.choice = choice;
    this.#store = storeOf(this);
  }

  attach(view: ChannelView): () => void {
    const { attributes } = this.#book(view);
    const stop = recordLatencies(view, attributes, this.choice, this.#store);
    this.#views.add(view);
    // A transport that has no calls is read, too, where there is an SDK already.
    void this.#store.isReady;
    return () => {
      stop();
      this.#views.delete(view);
      // Backends have left: their labels go with them.
      const readings = viewReadings(view, attributes, { ...this.choice, backendLabel: false });
      this.#closed.add(readings.filter(isCounter));
      if (this.#views.size === 0) this.#store.rest?.();
    };
  }

  callStarted(call: CallStart): CallTracer | undefined {
    if (!this.#store.isReady) return undefined;
    const { method } = call;
    let meter = this.#meters.get(method);
    if (meter === undefined) {
      meter = this.#book(call).meter(method);
      this.#meters.set(method, meter);
    }
    return meter;
  }

  readings(): Iterable<Reading> {
    const sums = new Sums();
    sums.add(this.#closed);
    for (const view of this.#views) sums.add(viewReadings(view, this.#book(view).attributes, this.choice));
    for (const book of this.#books.values()) sums.add(book.readings());
    return [...sums].filter(({ name }) => this.choice.on.has(name));
  }

  handOver(): readonly Reading[] {
    const counted = [...this.readings()].filter(isCounter);
    this.#closed = new Sums();
    this.#books.clear();
    return counted;
  }

  /** Of the names, not of who has them: calls and views are not kept. */
  #book({ target, grpcTarget, protocol, serverAddress, serverPort }: ChannelNames): TargetBook {
    const key = `${grpcTarget} ${protocol} ${serverAddress}:${serverPort}`;
    let book = this.#books.get(key);
    if (book === undefined) {
      book = new TargetBook({ target, grpcTarget, protocol, serverAddress, serverPort }, this.choice, this.#store);
      this.#books.set(key, book);
    }
    return book;
  }
}

function isCounter({ name }: Reading): boolean {
  return instruments.get(name)?.kind === "counter";
}
