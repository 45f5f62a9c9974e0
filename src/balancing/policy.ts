import type { Failure } from "../errors.ts";
import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Picker } from "./picker.ts";

/** What a policy may do. */
export interface PolicyController {
  readonly random: Random;
  /** Replaces the picker; queued calls are picked for again. */
  publish(picker: Picker): void;
}

/** Turns the backends and their states into pickers. One per transport. */
export interface Policy {
  /**
   * The set of backends, or the state of one, changed. Called at most once a tick, with all of them, in a stable order.
   * The array is the caller's: copy what you keep.
   */
  update(backends: readonly Backend[]): void;
}

/** A load-balancing policy as an option: `roundRobin()`, `pickFirst()`, or your own. Stateless; may serve many transports. */
export interface LoadBalancing {
  /** Shown in `snapshot()`. */
  readonly name: string;
  createPolicy(controller: PolicyController): Policy;
}

/** Makes a picker for the backends that are ready: never called with none. */
export type ReadyPicker = (ready: readonly Backend[], previous: Picker | undefined, random: Random) => Picker;

/**
 * The easy way to a policy: say how to pick among the ready backends. Connecting to all of them, queueing while none
 * is ready yet, and failing calls when all of them failed is done here, as gRPC's round_robin does it.
 */
export function pickFromReady(name: string, makePicker: ReadyPicker): LoadBalancing {
  return { name, createPolicy: (controller) => new ReadyPolicy(controller, makePicker) };
}

class ReadyPolicy implements Policy {
  readonly #controller: PolicyController;
  readonly #makePicker: ReadyPicker;
  #previous: Picker | undefined;

  constructor(controller: PolicyController, makePicker: ReadyPicker) {
    this.#controller = controller;
    this.#makePicker = makePicker;
  }

  update(backends: readonly Backend[]): void {
    for (const backend of backends) backend.connect();
    const ready = backends.filter((backend) => backend.state === "ready");
    if (ready.length > 0) {
      this.#previous = this.#makePicker(ready, this.#previous, this.#controller.random);
      this.#controller.publish(this.#previous);
    } else {
      this.#controller.publish(withoutReady(backends));
    }
  }
}

const queuePicker: Picker = { pick: () => "queue" };

/**
 * The picker while no backend is ready. A backend that failed counts as failed until it is ready again, even while it
 * is being dialled once more: otherwise calls would alternate between failing fast and hanging.
 */
export function withoutReady(backends: readonly Backend[]): Picker {
  let last: Failure | undefined;
  for (const { lastFailure } of backends) {
    if (lastFailure === undefined) return queuePicker;
    last = lastFailure;
  }
  return last === undefined ? queuePicker : failPicker(last);
}

function failPicker(failure: Failure): Picker {
  return { pick: () => failure };
}
