import type { MethodSpec } from "../../base/method-spec.ts";
import type { CallConfig } from "../call-config.ts";
import type { GlinkCallOptions } from "../call-options.ts";
import { HedgePlan } from "../hedging/hedge-plan.ts";
import { hedgingRefusal } from "../hedging/hedging-refusal.ts";
import { PercentileDelay } from "../hedging/percentile-delay.ts";
import { explanationOf, type PolicyExplanation } from "./explanation.ts";
import { mergeHedging, mergeLayers, mergeRetry } from "./layers.ts";
import type { ConfigLayer, MethodConfig, MethodPolicy } from "./method-config.ts";
import type { MethodConfigs } from "./methods-options.ts";
import type { ParsedServiceConfig } from "./service-config.ts";

/** Where policies come from. */
export interface PolicySources {
  readonly methods: MethodConfigs;
  /** The transport's own options, as far as they were given. */
  readonly transport: MethodConfig;
}

/** A method's policy, and what it comes to for calls that ask for nothing themselves. */
interface ResolvedPolicy {
  readonly policy: MethodPolicy;
  readonly config: CallConfig;
}

type MethodName = Pick<MethodSpec, "service" | "name">;

/** What holds for the calls of each method: made once for each, and again when another service config comes. */
export class MethodPolicies {
  readonly #methods: MethodConfigs;
  readonly #transport: ConfigLayer;
  #serviceConfig: ParsedServiceConfig | undefined;
  /** The one for all methods; undefined where they may differ. */
  #plain: ResolvedPolicy | undefined;
  #byMethod = new WeakMap<MethodSpec, ResolvedPolicy>();
  readonly #delays = new WeakMap<MethodSpec, PercentileDelay>();

  constructor({ methods, transport }: PolicySources) {
    this.#methods = methods;
    this.#transport = { origin: "transport", config: transport };
    this.useServiceConfig(undefined);
  }

  /** From now on this one holds, or none, for calls that begin. */
  useServiceConfig(config: ParsedServiceConfig | undefined): void {
    this.#serviceConfig = config;
    this.#byMethod = new WeakMap();
    const { policy } = mergeLayers([this.#transport]);
    const setsNone = Object.keys(this.#methods).length === 0 && (config === undefined || config.entries.size === 0);
    const isPlain = setsNone && policy.hedging === false;
    const { retry, waitForReady } = policy;
    this.#plain = isPlain ? { policy, config: { retry, waitForReady, hedging: undefined } } : undefined;
  }

  /** What holds for a call of the method that asks for this. */
  configOf(method: MethodSpec, options: GlinkCallOptions): CallConfig {
    const resolved = this.#plain ?? this.#resolved(method);
    const { retry, waitForReady, hedging } = options;
    if (retry === undefined && waitForReady === undefined && hedging === undefined) return resolved.config;
    const { policy } = resolved;
    return this.#configOf(method, {
      timeoutMs: undefined,
      waitForReady: waitForReady ?? policy.waitForReady,
      retry: retry === undefined ? policy.retry : mergeRetry(policy.retry, retry),
      hedging: hedging === undefined ? policy.hedging : mergeHedging(policy.hedging, hedging),
    });
  }

  /** False: {@link timeoutMsOf} has none for any method. */
  get setsTimeouts(): boolean {
    return this.#plain === undefined;
  }

  /** The limit that is set for calls of the method; undefined: none. */
  timeoutMsOf(method: MethodSpec): number | undefined {
    return (this.#plain ?? this.#resolved(method)).policy.timeoutMs;
  }

  /** `defaultTimeoutMs`: of calls that name no timeout, where no limit is set for the method. */
  explain(method: MethodName & Partial<MethodSpec>, defaultTimeoutMs: number | undefined): PolicyExplanation {
    return explanationOf(method, mergeLayers(this.#layersOf(method)), defaultTimeoutMs);
  }

  #resolved(method: MethodSpec): ResolvedPolicy {
    let resolved = this.#byMethod.get(method);
    if (resolved === undefined) {
      const { policy } = mergeLayers(this.#layersOf(method));
      resolved = { policy, config: this.#configOf(method, policy) };
      this.#byMethod.set(method, resolved);
    }
    return resolved;
  }

  #configOf(method: MethodSpec, { retry, waitForReady, hedging }: MethodPolicy): CallConfig {
    const isHedged = hedging !== false && hedgingRefusal(method, hedging) === undefined;
    const plan = isHedged ? new HedgePlan(hedging, retry, this.#delayOf(method)) : undefined;
    return { retry, waitForReady, hedging: plan };
  }

  #delayOf(method: MethodSpec): PercentileDelay {
    let delay = this.#delays.get(method);
    if (delay === undefined) {
      delay = new PercentileDelay();
      this.#delays.set(method, delay);
    }
    return delay;
  }

  /** The most specific first. */
  #layersOf({ service, name }: MethodName): ConfigLayer[] {
    // As paths have it, and as protobuf names a method in full: no service can have the name of another's method.
    const layers = [`${service}/${name}`, `${service}.${name}`, service].flatMap((key) => {
      const config = Object.hasOwn(this.#methods, key) ? this.#methods[key] : undefined;
      return config === undefined ? [] : [{ origin: `methods[${JSON.stringify(key)}]`, config }];
    });
    // As gRPC has it: one entry holds whole, that of the method, of the service, or of all others.
    const entries = this.#serviceConfig?.entries;
    const entry = entries?.get(`${service}/${name}`) ?? entries?.get(service) ?? entries?.get("");
    return [...layers, ...(entry === undefined ? [] : [entry]), this.#transport];
  }
}
