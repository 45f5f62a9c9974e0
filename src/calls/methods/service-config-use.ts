import { causeFactOf } from "../../base/thrown.ts";
import type { Events } from "../../observe/events.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { CurrentRetryLimit, RetryLimit } from "../retry/retry-limit.ts";
import { RetryThrottle } from "../retry/retry-throttle.ts";
import type { MethodPolicies } from "./method-policies.ts";
import { type ParsedServiceConfig, parseServiceConfig, type ServiceConfig } from "./service-config.ts";

export interface ServiceConfigParts {
  readonly policies: MethodPolicies;
  /** The limit of retries where no service config has one. */
  readonly ownLimit: RetryLimit | undefined;
  readonly clock: Clock;
  readonly events: Events;
}

/** The service config in force: the option's, until a resolver brings one. */
export class ServiceConfigUse {
  readonly retryLimit: CurrentRetryLimit;
  readonly #parts: ServiceConfigParts;
  readonly #given: ParsedServiceConfig | undefined;
  /** The resolver's newest, as it came; the same one again is no news. */
  #newest: string | undefined;
  #isBad = false;

  constructor(parts: ServiceConfigParts, given: ParsedServiceConfig | undefined) {
    this.#parts = parts;
    this.#given = given;
    this.retryLimit = { current: parts.ownLimit };
    if (given !== undefined) this.#use(given);
  }

  /**
   * A resolver found this, or that there is none: then the option's holds again. One that cannot be used changes nothing
   * (gRFC A21).
   */
  resolved(config: object | string | undefined): void {
    const newest = config instanceof Error ? config.message : textOf(config);
    if (newest === this.#newest) return;
    this.#newest = newest;
    try {
      if (config instanceof Error) throw config;
      const name = "resolved service config";
      this.#use(config === undefined ? this.#given : parseServiceConfig(config as ServiceConfig | string, name));
      this.#isBad = false;
    } catch (error) {
      const first = !this.#isBad;
      this.#isBad = true;
      const { events } = this.#parts;
      if (events.active) events.publish({ type: "service-config-rejected", error: causeFactOf(error), first });
    }
  }

  #use(config: ParsedServiceConfig | undefined): void {
    const { policies, ownLimit, clock } = this.#parts;
    const throttling = config?.retryThrottling;
    policies.useServiceConfig(config);
    const { current } = this.retryLimit;
    this.retryLimit.current = throttling === undefined ? ownLimit : new RetryThrottle(throttling, clock, current);
  }
}

function textOf(config: object | string | undefined): string | undefined {
  return typeof config === "object" ? JSON.stringify(config) : config;
}
