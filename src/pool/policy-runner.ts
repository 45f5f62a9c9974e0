import type { LoadBalancing, Policy } from "../balancing/policy.ts";
import type { Events } from "../events.ts";
import type { ResolverTarget } from "../resolver/resolver.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { TargetHistory } from "../target.ts";
import { callUserCode, reportUserCode } from "../user-code.ts";
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
  readonly subchannels: Iterable<Subchannel>;
  readonly readyCount: number;
  beforeUpdate(backends: readonly Subchannel[]): void;
  afterUpdate(): void;
}

/** Runs the policy, which may be the user's own: tells it of changes once a tick, and bears what it throws. */
export class PolicyRunner {
  readonly #watcher: PolicyWatcher;
  readonly #dispatcher: Dispatcher;
  readonly #events: Events;
  readonly #policy: Policy;
  /** The picker was published while a backend was ready: it has somewhere to send calls. */
  #pickerServes = false;
  #scheduled = false;
  #closed = false;

  constructor(
    { loadBalancing, target, history, runtime, events }: PolicyRunnerOptions,
    dispatcher: Dispatcher,
    watcher: PolicyWatcher,
  ) {
    this.#watcher = watcher;
    this.#dispatcher = dispatcher;
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
        this.#pickerServes = watcher.readyCount > 0;
        // Not now: the policy is still at work, and a call that is served calls into the user's code.
        if (dispatcher.queuedCalls > 0) queueMicrotask(() => dispatcher.serveAll());
      },
    });
    // A function that is async by mistake: its rejection ends no process.
    if (policy instanceof Promise) policy.catch(() => undefined);
    if (typeof policy?.update !== "function") {
      throw new TypeError("createPolicy() of loadBalancing must return an object with a method update(backends)");
    }
    this.#policy = policy;
  }

  /** State changes of one tick become one update: 10 000 backends that connect at once are not 10 000 rebuilds. */
  scheduleUpdate(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (!this.#closed) this.#update();
    });
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
    const backends = [...this.#watcher.subchannels];
    this.#watcher.beforeUpdate(backends);
    callUserCode(
      () => this.#policy.update(backends),
      [],
      (error) => {
        this.#threw(error);
        // The last picker is good as long as it has somewhere to send calls; else they would wait for ever.
        if (this.#watcher.readyCount === 0 || !this.#pickerServes) this.#dispatcher.failAll(error);
        // A rejection comes later.
        this.#dispatcher.serveAll();
      },
    );
    this.#dispatcher.serveAll();
    this.#watcher.afterUpdate();
  }

  #threw(error: unknown): void {
    reportUserCode(this.#events, "load-balancing policy", error);
  }
}
