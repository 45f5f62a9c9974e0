import type { DescMethod } from "@bufbuild/protobuf";
import type { ContextValues } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import type { Backend } from "../subchannel/backend.ts";

/** What a picker may look at when it chooses. */
export interface PickInfo {
  readonly method: DescMethod;
  /** The call's metadata as it goes on the wire: names in lower case and values in turn. */
  readonly metadata: readonly string[];
  readonly contextValues: ContextValues | undefined;
  /** Backends that earlier attempts of this call went to. Prefer others; empty for a first attempt. */
  readonly tried: readonly Backend[];
}

/**
 * Chooses a backend for each attempt. Immutable from the outside: a policy replaces it whole. Called synchronously on
 * the path of every call, so it must be fast, allocate nothing and never throw.
 */
export interface Picker {
  /**
   * - a backend with room: the call goes there;
   * - `"queue"`: the call waits for the next picker or for room;
   * - a failure: calls that do not wait for ready fail with it.
   */
  pick(info: PickInfo): Backend | "queue" | Failure;
  /**
   * A backend that had no room (`hasRoom`) has some again: for pickers that remember who is full. Called before the
   * calls that wait are picked for; must be as fast as `pick`, and never throw.
   */
  roomAgain?(backend: Backend): void;
}
