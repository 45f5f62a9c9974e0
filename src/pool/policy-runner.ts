import { PreferredBackends, type ZonedBackend } from "../availability/preferred-backends.ts";
import type { ReadyBackends } from "../availability/ready-backends.ts";
import type { LoadBalancing, Policy, PolicyFacts } from "../balancing/policy.ts";
import type { TargetHistory } from "../endpoint/target.ts";
import type { Events } from "../observe/events.ts";
import { callUserCode, reportUserCode } from "../observe/user-code.ts";
import type { ResolverTarget } from "../resolver/resolver.ts";
import { queueMicrotask } from "../runtime/microtask.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { PinnedBackend, PinnedCalls } from "../subchannel/pinned-calls.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { PolicySubscriptions } from "./policy-subscriptions.ts";

/** What a policy is made of. */
export interface PolicyRunnerOptions {
  readonly loadBalancing: LoadBalancing;
  readonly target: ResolverTarget;
  readonly history: TargetHistory;
  readonly runtime: Runtime;
  readonly events: Events;
  /** This client's; undefined: zones make no difference. */
  readonly zone: string | undefined;
  readonly pinnedCalls: PinnedCalls;
}

/** The backends that the policy is told of. */
export interface PolicyBackends {
  /** In the resolver's newest order. The same array until it changes. */
  readonly list: readonly ZonedBackend[];
  /** Those of them that calls may go to. */
  readonly ready: Pick<ReadyBackends, "list" | "update">;
  /** By its id. Undefined: it has left. */
  get(id: string): (PinnedBackend & Pick<Backend, "state">) | undefined;
}

/** Told around each update of the policy. */
export interface PolicyRunnerListener {
  onBeforeUpdate(): void;
  onAfterUpdate(): void;
}

/**
 * Runs the policy, which may be the user's own: tells it of changes, and bears what it throws.
 *
 * The changes of one turn of the event loop are one update, after all input of that turn was read: Node runs microtasks
 * after each socket's, so that they would gather nothing. What calls wait for is told at once.
 */
export class PolicyRunner {
  readonly #backends: PolicyBackends;
  readonly #dispatcher: Dispatcher;
  readonly #listener: PolicyRunnerListener;
  readonly #runtime: Runtime;
  readonly #events: Events;
  readonly #policy: Policy;
  readonly #subscriptions: PolicySubscriptions;
  readonly #preferred: PreferredBackends;
  readonly #changed = new Set<Backend>();
  /** When the next update is due: at the end of this turn, or of the microtask at work. */
  #due: "turn" | "now" | undefined;
  #updating = false;
  /** The picker was published while a backend was ready: it has somewhere to send calls. */
  #pickerServes = false;
  #closed = false;

  constructor(
    { loadBalancing, target, history, runtime, events, zone, pinnedCalls }: PolicyRunnerOptions,
    backends: PolicyBackends,
    dispatcher: Dispatcher,
    listener: PolicyRunnerListener,
  ) {
    this.#backends = backends;
    this.#dispatcher = dispatcher;
    this.#listener = listener;
    this.#runtime = runtime;
    this.#events = events;
    this.#preferred = new PreferredBackends(loadBalancing.heedsZones === false ? undefined : zone, events);
    const subscriptions = new PolicySubscriptions({
      name: loadBalancing.name,
      pinnedCalls,
      runtime,
      events,
      find: (id) => backends.get(id),
      threw: (error) => this.#threw(error),
    });
    this.#subscriptions = subscriptions;
    const policy: Policy | Promise<unknown> = loadBalancing.createPolicy({
      target: target.host,
      get everConnected() {
        return history.everConnected;
      },
      random: runtime.random,
      clock: runtime.clock,
      publish: (picker) => {
        // Without backends the pool knows why there are none, and says so to the calls.
        if (this.#hasBackends) dispatcher.use(picker);
        this.#pickerServes = backends.ready.list.length > 0;
        // Not now: the policy is still at work, and a call that is served calls into the user's code.
        if (!this.#updating) dispatcher.serveSoon();
      },
      subscribe: ({ id }, request, onMessage) => subscriptions.open(id, request, onMessage),
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

  /** The backend came, left, or changed. `atOnce`: calls may wait for what that brings. */
  changed(backend: Backend, atOnce: boolean): void {
    this.#changed.add(backend);
    this.updateSoon(atOnce);
  }

  /** Tells the policy of all that has changed until then, be it only the order. */
  updateSoon(atOnce: boolean): void {
    if (this.#closed) return;
    if (this.#due === "now" || (this.#due === "turn" && !atOnce)) return;
    this.#due = atOnce ? "now" : "turn";
    const update = () => {
      if (this.#due !== undefined && !this.#closed) this.#update();
    };
    if (atOnce) queueMicrotask(update);
    else this.#runtime.clock.afterInput(update);
  }

  /** What the policy says of a backend. */
  factsOf(backend: Backend): PolicyFacts | undefined {
    let facts: PolicyFacts | undefined;
    callUserCode(
      () => {
        facts = this.#policy.factsOf?.(backend);
      },
      [],
      (error) => this.#threw(error),
    );
    return facts;
  }

  close(): void {
    this.#closed = true;
    callUserCode(
      () => this.#policy.close?.(),
      [],
      (error) => this.#threw(error),
    );
    this.#subscriptions.close();
  }

  #update(): void {
    this.#due = undefined;
    const changed = [...this.#changed];
    this.#changed.clear();
    this.#backends.ready.update(changed);
    for (const { state, id } of changed) if (state !== "ready") this.#subscriptions.endOf(id);
    this.#listener.onBeforeUpdate();
    const { list: backends } = this.#backends;
    this.#preferred.update(this.#backends.ready.list, backends, changed);
    const { list: ready } = this.#preferred;
    this.#updating = true;
    callUserCode(
      () => this.#policy.update({ backends, ready, changed }),
      [],
      (error) => {
        this.#threw(error);
        // The last picker is good as long as it has somewhere to send calls; else they would wait for ever.
        const serves = this.#pickerServes && this.#backends.ready.list.length > 0;
        if (this.#hasBackends && !serves) this.#dispatcher.failAll(error);
        // A rejection comes later.
        if (!this.#updating) this.#dispatcher.serve();
      },
    );
    this.#updating = false;
    this.#dispatcher.serve();
    this.#listener.onAfterUpdate();
  }

  get #hasBackends(): boolean {
    return this.#backends.list.length > 0;
  }

  #threw(error: unknown): void {
    reportUserCode(this.#events, "load-balancing policy", error);
  }
}
