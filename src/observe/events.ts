import type { CauseFact } from "../base/thrown.ts";
import type { BackendFact } from "./backend-facts.ts";
import type { CallFact } from "./call-facts.ts";
import type { ResolverFact } from "./resolver-facts.ts";

/**
 * The catalogue of facts that a transport publishes. Each is also a diagnostics channel: `glink:` and its type.
 * Every event carries `target`, the base URL of the transport, and `at`, its time.
 */
export type GlinkEvent = {
  /** Scheme, host, port and path of `baseUrl`. */
  readonly target: string;
  /** When it was published, by the wall clock: milliseconds since 1970. */
  readonly at: number;
} & (
  | ResolverFact
  | BackendFact
  | CallFact
  | {
      /** Something the user should know once: a likely misconfiguration. */
      readonly type: "hint";
      /** Which one: docs/observability.md says what each is about. */
      readonly hint:
        | "single-address"
        | "all-refused"
        | "fallback"
        | "unknown-option"
        | "no-health-service"
        | "no-such-method";
      /** What is odd, and what to do. */
      readonly message: string;
    }
  | {
      /** Code that the user gave threw: a listener, a logger, a resolver, a policy. Nothing else was touched. */
      readonly type: "user-code-failed";
      /** Which code it was: `resolver`, `picker`, `event listener` or `onAttempt`, say. */
      readonly where: string;
      /** What it threw. */
      readonly error: ThrownFact;
    }
  | { readonly type: "closed" }
);

/** What code of the user's threw, with the stack that leads to it. */
export interface ThrownFact extends CauseFact {
  /** Where it was thrown; undefined for what is no Error. */
  readonly stack?: string;
}

/** An event without its target and time: what publishers hand over. */
export type GlinkFact = GlinkEvent extends infer E
  ? E extends { readonly target: string }
    ? Omit<E, "target" | "at">
    : never
  : never;

/** Where facts go. Publishers test `active` first, so that nobody builds an event that nobody hears. */
export interface Events {
  readonly active: boolean;
  publish(fact: GlinkFact): void;
}
