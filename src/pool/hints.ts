import { allRefused, podPortAdvice } from "../balancing/unreachable.ts";
import type { Events } from "../events.ts";
import type { Resolver, ResolverTarget } from "../resolver/resolver.ts";
import type { Backend } from "../subchannel/backend.ts";

/** The likely misconfigurations that a pool can see. Each is said once in the life of a transport, as a `hint` event. */
export class Hints {
  readonly #host: string;
  readonly #events: Events;
  #singleAddressSaid: boolean;
  #allRefusedSaid = false;

  constructor(target: ResolverTarget, resolver: Resolver, events: Events) {
    this.#host = target.host;
    this.#events = events;
    // A list that the user wrote, or a name that means this machine, is one address on purpose.
    this.#singleAddressSaid = resolver.name !== "dns" || isLocalName(target.host);
  }

  /** The resolver found so many addresses. One is what a Service with a virtual IP looks like from its clients. */
  resolved(addressCount: number): void {
    if (addressCount !== 1 || this.#singleAddressSaid || !this.#events.active) return;
    this.#singleAddressSaid = true;
    const message =
      `${this.#host} resolved to 1 address: if there is more than one pod behind it, use a headless Service ` +
      "(clusterIP: None), so that DNS names every pod and calls are spread over all of them";
    this.#events.publish({ type: "hint", hint: "single-address", message });
  }

  /** No backend was ready yet. When each one refuses, the port is likely wrong. */
  unreachable(backends: readonly Backend[]): void {
    if (this.#allRefusedSaid || !this.#events.active || !allRefused(backends)) return;
    this.#allRefusedSaid = true;
    const message =
      `every address of ${this.#host} refuses connections (ECONNREFUSED): ${podPortAdvice}, ` +
      "and let the server listen on 0.0.0.0 or ::";
    this.#events.publish({ type: "hint", hint: "all-refused", message });
  }
}

function isLocalName(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}
