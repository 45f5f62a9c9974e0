import type { FailureFact } from "../base/errors.ts";
import type { CauseFact } from "../base/thrown.ts";

/** What lookups bring. */
export type ResolverFact =
  | {
      /** A lookup succeeded, or the resolver was told of a list. */
      readonly type: "resolved";
      /** How many backends it names. */
      readonly addresses: number;
      /** How long the lookup took; undefined where the resolver did not ask. */
      readonly tookMs: number | undefined;
      /** Others than the last time. */
      readonly changed: boolean;
    }
  | {
      /** A lookup failed, timed out or came back empty; the last good list stays in use. First of an episode: `first`. */
      readonly type: "resolve-failed";
      readonly error: FailureFact;
      readonly first: boolean;
    }
  | {
      /** A lookup succeeded after one or more that failed. */
      readonly type: "resolve-recovered";
    }
  | {
      /**
       * The resolver brought a service config that cannot be used; the last good one stays in use. First of an episode:
       * `first`.
       */
      readonly type: "service-config-rejected";
      readonly error: CauseFact;
      readonly first: boolean;
    };
