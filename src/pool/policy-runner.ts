import type { ReadyBackends } from "../availability/ready-backends.ts";
import type { LoadBalancing, Policy } from "../balancing/policy.ts";
import type { TargetHistory } from "../endpoint/target.ts";
import type { Events } from "../observe/events.ts";
import { callUserCode, reportUserCode } from "../observe/user-code.ts";
import type { ResolverTarget } from "../resolver/resolver.ts";
import { queueMicrotask } from "../runtime/microtask.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** What a policy is made of. */
export interface PolicyRunnerOptions {
  readonly loadBalancing: LoadBalancing;
  readonly target: ResolverTarget;
  readonly history: TargetHistory;
  readonly runtime: Runtime;
  readonly events: Events;
}

/** Told around each update of the policy. */
export interface PolicyWatcher {
  /** All of them, in a stable order. */
  readonly subchannels: readonly Subchannel[];
  beforeUpdate(): void;
  afterUpdate(): void;
}

/**
 * Runs the policy, which may be the user's own: tells it of changes, and bears what it throws.
 *
 * The changes of one turn of the event loop are one update, after all input of that turn was read: Node runs microtasks
 * after each socket's, so that they would gather nothing. What calls wait for is told at once.
 */
export class PolicyRunner {
  readonly #watcher: PolicyWatcher;
  readonly #dispatcher: Dispatcher;
  readonly #ready: ReadyBackends;
  readonly #runtime: Runtime;
  readonly #events: Events;
  readonly #policy: Policy;
  readonly #changed = new Set<Subchannel>();
  /** When the next update is due: at the end of this turn, or of the microtask at work. */
  #due: "turn" | "now" | undefined;
  #updating = false;
  /** The picker was published while a backend was ready: it has somewhere to send calls. */
  #pickerServes = false;
  #closed = false;

  constructor(
    { loadBalancing, target, history, runtime, events }: PolicyRunnerOptions,
    dispatcher: Dispatcher,
    ready: ReadyBackends,
    watcher: PolicyWatcher,
  ) {
    this.#watcher = watcher;
    this.#dispatcher = dispatcher;
    this.#ready = ready;
    this.#runtime = runtime;
    this.#events = events;
    const policy: Policy | Promise<unknown> = loadBalancing.createPolicy({
      target: target.host,
      get everConnected() {
        return history.everConnected;
      },
      random: runtime.random,
      clock: runtime.clock,
      publish: (picker) => {
        dispatcher.use(picker);
        this.#pickerServes = ready.list.length > 0;
        // Not now: the policy is still at work, and a call that is served calls into the user's code.
        if (!this.#updating) dispatcher.serveSoon();
      },
    });
    // A function that is async by mistake: its rejection ends no process.
    if (policy instanceof Promise) policy.catch(() => undefined);
    if (typeof policy?.update !== "function") {
      throw new TypeError(
        "createPolicy() of loadBalancing must return an object with a method update({ backends, … })",
      );
    }
    this.#policy = policy;
  }

  /** The backend came, left, or its state or availability changed. `atOnce`: calls may wait for what that brings. */
  changed(subchannel: Subchannel, atOnce: boolean): void {
    if (this.#closed) return;
    this.#changed.add(subchannel);
    if (this.#due === "now" || (this.#due === "turn" && !atOnce)) return;
    this.#due = atOnce ? "now" : "turn";
    const update = () => {
      if (this.#changed.size > 0 && !this.#closed) this.#update();
    };
    if (atOnce) queueMicrotask(update);
    else this.#runtime.clock.afterInput(update);
  }

  close(): void {
    this.#closed = true;
    callUserCode(
      () => this.#policy.close?.(),
      [],
      (error) => this.#threw(error),
    );
  }

  #update(): void {
    this.#due = undefined;
    const changed = [...this.#changed];
    this.#changed.clear();
    this.#ready.update(changed);
    this.#watcher.beforeUpdate();
    const backends = this.#watcher.subchannels;
    const ready = this.#ready.list;
    this.#updating = true;
    callUserCode(
      () => this.#policy.update({ backends, ready, changed }),
      [],
      (error) => {
        this.#threw(error);
        // The last picker is good as long as it has somewhere to send calls; else they would wait for ever.
        if (this.#ready.list.length === 0 || !this.#pickerServes) this.#dispatcher.failAll(error);
        // A rejection comes later.
        if (!this.#updating) this.#dispatcher.serve();
      },
    );
    this.#updating = false;
    this.#dispatcher.serve();
    this.#watcher.afterUpdate();
  }

  #threw(error: unknown): void {
    reportUserCode(this.#events, "load-balancing policy", error);
  }
}
