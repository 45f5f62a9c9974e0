import type { SubscriptionRequest } from "../balancing/policy.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import { methodName } from "../base/method-spec.ts";
import type { Events } from "../observe/events.ts";
import { callUserCode } from "../observe/user-code.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Backend } from "../subchannel/backend.ts";
import { LastingStream } from "../subchannel/lasting-stream.ts";
import type { PinnedBackend, PinnedCalls } from "../subchannel/pinned-calls.ts";

/** What a policy's subscriptions are made with. */
export interface PolicySubscriptionsContext {
  /** The policy's. */
  readonly name: string;
  readonly pinnedCalls: PinnedCalls;
  readonly runtime: Runtime;
  readonly events: Events;
  /** The backend itself, as the policy names it. Undefined: it has left. */
  readonly find: (id: string) => (PinnedBackend & Pick<Backend, "state">) | undefined;
  /** What the policy's own code threw. */
  readonly threw: (error: unknown) => void;
}

/** What a policy hears from its backends apart from calls, as long as they are ready. */
export class PolicySubscriptions {
  readonly #context: PolicySubscriptionsContext;
  readonly #streams = new Map<string, Set<LastingStream>>();
  /** Methods of which it was said that a backend does not have them. */
  readonly #saidUnimplemented = new Set<string>();

  constructor(context: PolicySubscriptionsContext) {
    this.#context = context;
  }

  /** See `PolicyController.subscribe`. */
  open(id: string, request: SubscriptionRequest, onMessage: (message: Uint8Array) => void): () => void {
    const { pinnedCalls, runtime, find, threw } = this.#context;
    const backend = find(id);
    if (backend?.state !== "ready") return () => undefined;
    const method = methodOf(request);
    const end = () => this.#end(id, stream);
    const stream = new LastingStream(
      pinnedCalls,
      backend,
      { method, message: request.message },
      {
        runtime,
        listener: {
          onMessage: (message) => callUserCode(onMessage, [message], threw),
          onInterrupted: () => undefined,
          onUnimplemented: () => {
            this.#sayUnimplemented(id, method);
            end();
          },
        },
      },
    );
    const ofBackend = this.#streams.get(id) ?? new Set();
    this.#streams.set(id, ofBackend.add(stream));
    stream.start();
    return end;
  }

  /** The policy is about to hear that the backend is not ready. */
  endOf(id: string): void {
    for (const stream of this.#streams.get(id) ?? []) this.#end(id, stream);
  }

  close(): void {
    for (const id of [...this.#streams.keys()]) this.endOf(id);
  }

  #end(id: string, stream: LastingStream): void {
    stream.stop();
    const ofBackend = this.#streams.get(id);
    if (ofBackend?.delete(stream) === true && ofBackend.size === 0) this.#streams.delete(id);
  }

  #sayUnimplemented(id: string, method: MethodSpec): void {
    const { events, name } = this.#context;
    const path = methodName(method);
    if (this.#saidUnimplemented.has(path)) return;
    this.#saidUnimplemented.add(path);
    const message = `${id} does not have ${path}, which the policy ${name} asks for: backends without it are not asked again while they stay connected`;
    if (events.active) events.publish({ type: "hint", hint: "no-such-method", message });
  }
}

function methodOf({ service, method }: SubscriptionRequest): MethodSpec {
  return { service, name: method, singleRequest: true, singleResponse: false, idempotency: "unknown" };
}
