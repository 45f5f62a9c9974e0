import type { Code, ContextValues } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type { Backend } from "../subchannel/backend.ts";

/** What a picker may look at when it chooses. */
export interface PickInfo {
  /** What is called. One object for all calls of a method through one transport. */
  readonly method: MethodSpec;
  /** The call's metadata as it goes on the wire: names in lower case and values in turn. */
  readonly metadata: readonly string[];
  /** Those of the call's options; undefined where there are none. */
  readonly contextValues: ContextValues | undefined;
  /** What the call itself wants to be hashed by: `hashKey` of {@link glinkCall}. */
  readonly hashKey?: string | undefined;
  /** 1 for the first. */
  readonly attempt: number;
  /** Backends that earlier attempts of this call went to. Prefer others; empty for a first attempt. */
  readonly tried: readonly Backend[];
}

/**
 * Where an attempt goes. A backend is a `Pick` of itself: return it as it is, unless there is more to say, and then a
 * `Pick` that was made with the picker.
 */
export interface Pick {
  /** One of the policy's backends, or an object of your own around one, with the same `id`. */
  readonly backend: Backend;
  /** Told how the attempt goes. */
  readonly tracker?: PickTracker | undefined;
  /**
   * Further metadata for this attempt: names in lower case and values in turn, as HTTP/2 can carry them. Else the call
   * fails with Internal.
   */
  readonly metadata?: readonly string[] | undefined;
}

/** Follows attempts to one backend: made once with the picker and shared by all picks of it, so that a pick allocates nothing. */
export interface PickTracker {
  /** An attempt has a stream. Synchronous, and as fast as a pick. */
  started(): void;
  /** Once for each `started`. What it throws is reported as a `user-code-failed` event. */
  ended(outcome: AttemptOutcome): void;
}

/** How an attempt ended. */
export interface AttemptOutcome {
  /** Undefined: it succeeded. Canceled, where the caller gave it up. */
  readonly failure: Failure | undefined;
  /** From its start on a stream until its end. */
  readonly latencyMs: number;
  /** Names and values in turn; those of a response without messages too. Load reports of gRFC A51 come here. */
  readonly trailers: readonly string[];
}

/** The call is not to be served at all, to protect the backends: it fails, even where it waits for ready, and is never retried. */
export interface Drop {
  /** Why: the caller reads it. */
  readonly drop: string;
  /** Default Unavailable. */
  readonly code?: Code;
}

/**
 * Chooses a backend for each attempt. Immutable from the outside: a policy replaces it whole. Called synchronously on
 * the path of every call, so it must be fast, allocate nothing and never throw.
 */
export interface Picker {
  /**
   * - a backend with room, or a {@link Pick} of one: the call goes there;
   * - `"queue"`: the call waits for the next picker or for room;
   * - a failure: calls that do not wait for ready fail with it;
   * - a {@link Drop}: the call fails.
   */
  pick(info: PickInfo): Pick | "queue" | Failure | Drop;
  /**
   * A backend that had no room (`hasRoom`) has some again: for pickers that remember who is full. Called before the
   * calls that wait are picked for; must be as fast as `pick`. What it throws is reported.
   */
  roomAgain?(backend: Backend): void;
}
