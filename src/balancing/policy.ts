import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Picker } from "./picker.ts";
import { withoutReady } from "./unreachable.ts";

/** What a policy may do. */
export interface PolicyController {
  /** The host of `baseUrl`: for messages. */
  readonly target: string;
  /** A connection to one of its backends was ready once: that the port may be wrong is no advice from then on. */
  readonly everConnected: boolean;
  /** What rolls dice: tests give their own. */
  readonly random: Random;
  /** For timers: they do not keep the process alive, and tests turn it by hand. */
  readonly clock: Clock;
  /** Replaces the picker; queued calls are picked for again, after the policy has returned. */
  publish(picker: Picker): void;
  /**
   * Hears from one backend apart from calls: opens a stream to it, and keeps it open. What ends is opened again, at once
   * on no account: after a second, and later each time until a message comes (gRFC A17), also where another connection has
   * taken the place of the old one. A backend that answers Unimplemented is not asked again, and a `hint` event says so
   * once.
   *
   * It ends by itself when the policy is told that the backend is not ready, and is to be asked for again when that is.
   * Of one that is not ready nothing is heard. It counts as no call and keeps no idle connection open, but takes one of
   * the connection's streams. The policy owns the messages; what `onMessage` throws is reported as a `user-code-failed`
   * event. Returns what ends it, which is idempotent.
   */
  subscribe(backend: Backend, request: SubscriptionRequest, onMessage: (message: Uint8Array) => void): () => void;
}

/** What a policy asks a backend: one message to a method that streams its answers. */
export interface SubscriptionRequest {
  /** The full name of the service: `package.Service`. */
  readonly service: string;
  /** The method's own name. */
  readonly method: string;
  /** The request, encoded. */
  readonly message: Uint8Array;
}

/** What a policy is told. Its arrays are not changed afterwards. */
export interface PolicyUpdate {
  /**
   * All backends. Order is the resolver's: `pickFirst` tries backends in it, `roundRobin` does not care. Those that the
   * resolver names no longer, and that serve until others can, come last.
   */
  readonly backends: readonly Backend[];
  /**
   * Those that calls may go to: connected, and not left out because others are the better choice (a suspect, while
   * another is usable). The same array as in the update before when nothing in it changed.
   */
  readonly ready: readonly Backend[];
  /**
   * Those that are different since the update before: new ones, those whose `state`, `availability` or `endpoint` changed,
   * and those that have left, whose state is `shutdown`. All there are in the first update; none when only the order is
   * another. With ten thousand backends, look at these.
   */
  readonly changed: readonly Backend[];
}

/**
 * Turns the backends and their states into pickers. One per transport.
 *
 * What it throws is reported as a `user-code-failed` event. The last picker goes on while a backend is ready; without
 * one, calls fail with Internal until an update succeeds.
 */
export interface Policy {
  /**
   * The set of backends changed, their order, or the state, availability or endpoint of some. Called once for all changes
   * of a turn of the event loop; the first backend that is ready is told at once. A backend that is idle is dialled when
   * the policy calls its `connect`.
   */
  update(update: PolicyUpdate): void;
  /** The transport was closed: stop timers. */
  close?(): void;
  /** What the policy knows of a backend, in numbers: for `snapshot()`. */
  factsOf?(backend: Backend): PolicyFacts | undefined;
}

/** What a policy knows of a backend: names of its own, units in the names. */
export type PolicyFacts = Readonly<Record<string, number>>;

/** A load-balancing policy as an option: `roundRobin()`, `pickFirst()`, or your own. Stateless; may serve many transports. */
export interface LoadBalancing {
  /** Shown in `snapshot()`. */
  readonly name: string;
  /**
   * `false`: the option `zone` makes no difference to it, and backends of all zones are among `ready`: for policies that
   * send a call to the backend it belongs to. Default true.
   */
  readonly heedsZones?: boolean;
  /** Makes the policy of one transport. Called once, as the pool is made. */
  createPolicy(controller: PolicyController): Policy;
}

/**
 * Makes a picker for the backends that calls may go to: never called with none. They are ready, and not suspect while
 * another is usable. Called again when that list changes, or the endpoint of one of it.
 */
export type ReadyPicker = (ready: readonly Backend[], previous: Picker | undefined, random: Random) => Picker;

/**
 * The easy way to a policy: say how to pick among the ready backends. Connecting to all of them, queueing while none
 * is ready yet, and failing calls when all of them failed is done here, as gRPC's round_robin does it.
 */
export function pickFromReady(name: string, makePicker: ReadyPicker): LoadBalancing {
  return { name, createPolicy: (controller) => new ReadyPolicy(controller, makePicker) };
}

/** Connects to all backends and makes a picker for those that are ready: what most policies are. */
export class ReadyPolicy implements Policy {
  readonly #controller: PolicyController;
  readonly #makePicker: ReadyPicker;
  readonly #factsOf: Policy["factsOf"] | undefined;
  /** What the present picker was made for; undefined while calls wait or fail. */
  #ready: readonly Backend[] | undefined;
  #previous: Picker | undefined;

  constructor(controller: PolicyController, makePicker: ReadyPicker, factsOf?: Policy["factsOf"]) {
    this.#controller = controller;
    this.#makePicker = makePicker;
    this.#factsOf = factsOf;
  }

  update({ backends, ready, changed }: PolicyUpdate): void {
    const { random } = this.#controller;
    const idle = changed.filter((backend) => backend.state === "idle");
    // In random order: else the first calls of many clients would all meet the head of the list, ready before the rest.
    for (const backend of shuffled(idle, random)) backend.connect();
    if (ready.length === 0) {
      this.#ready = undefined;
      this.#controller.publish(withoutReady(backends, this.#controller));
    } else if (ready !== this.#ready || changed.some(({ state }) => state === "ready")) {
      this.#ready = undefined;
      this.#previous = this.#makePicker(ready, this.#previous, random);
      this.#controller.publish(this.#previous);
      this.#ready = ready;
    }
  }

  factsOf(backend: Backend): PolicyFacts | undefined {
    return this.#factsOf?.(backend);
  }
}

/** A copy in random order (Fisher and Yates). */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
