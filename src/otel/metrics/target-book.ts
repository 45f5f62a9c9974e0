import type { Attributes } from "@opentelemetry/api";
import type { ChannelNames, MethodSpec, WaitReason } from "../../index.ts";
import { grpcTarget } from "../conventions.ts";
import { type Instrument, instruments } from "./catalog.ts";
import type { MetricChoice } from "./choice.ts";
import { methodAttributes } from "./histograms.ts";
import { MethodMeter } from "./method-meter.ts";
import type { HistogramStore, Reading, Series } from "./series.ts";

/** What is measured of the calls to one target, through all transports to it. It stays when they are closed. */
export class TargetBook {
  readonly attributes: Attributes;
  readonly #choice: MetricChoice;
  readonly #store: HistogramStore;
  readonly #channel: ChannelNames;
  readonly #methods = new Map<string, MethodMeter>();
  readonly #waits: Partial<Record<WaitReason, Series>> = {};

  constructor(channel: ChannelNames, choice: MetricChoice, store: HistogramStore) {
    this.#channel = channel;
    this.attributes = { [grpcTarget]: channel.grpcTarget };
    this.#choice = choice;
    this.#store = store;
  }

  meter({ service, name }: MethodSpec): MethodMeter {
    const method = `${service}/${name}`;
    const known = this.#methods.get(method);
    if (known !== undefined) return known;
    const parts = {
      choice: this.#choice,
      store: this.#store,
      waited: (why: WaitReason, ms: number) => this.#waited(why, ms),
    };
    const meter = new MethodMeter(parts, { method, channel: this.#channel });
    this.#methods.set(method, meter);
    return meter;
  }

  readings(): Reading[] {
    return [...this.#methods].map(
      ([method, { attempts }]): Reading => ({
        name: "grpc.client.attempt.started",
        attributes: methodAttributes({ method, channel: this.#channel }),
        value: attempts,
      }),
    );
  }

  #waited(why: WaitReason, ms: number): void {
    if (!this.#choice.on.has("glink.pick.wait")) return;
    this.#waits[why] ??= this.#store.series(instruments.get("glink.pick.wait") as Instrument, {
      ...this.attributes,
      "glink.wait.reason": why,
    });
    this.#waits[why].record(ms / 1_000);
  }
}
