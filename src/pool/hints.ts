import { allRefused, refusalAdvice } from "../balancing/unreachable.ts";
import type { Events } from "../observe/events.ts";
import type { Resolver, ResolverTarget } from "../resolver/resolver.ts";
import type { Backend } from "../subchannel/backend.ts";

/** The likely misconfigurations that a pool can see. Each is said once in the life of a transport, as a `hint` event. */
export class Hints {
  readonly #host: string;
  readonly #resolver: string;
  readonly #events: Events;
  #singleAddressSaid: boolean;
  #allRefusedSaid = false;
  #fallbackSaid = false;

  constructor(target: ResolverTarget, resolver: Resolver, events: Events) {
    this.#host = target.host;
    this.#resolver = resolver.name;
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

  /** Calls go to the addresses that the resolver names second: of another family, say. */
  fallbackServes(): void {
    if (this.#fallbackSaid || !this.#events.active) return;
    this.#fallbackSaid = true;
    const advice =
      this.#resolver === "dns" ? " (of the other IP version; dnsResolver's option family can prefer it)" : "";
    const message = `no address that the resolver prefers for ${this.#host} can be reached: its fallback addresses are used${advice}`;
    this.#events.publish({ type: "hint", hint: "fallback", message });
  }

  /** No backend was ready yet. When each one refuses, the port is likely wrong. */
  unreachable(backends: readonly Backend[]): void {
    if (this.#allRefusedSaid || !this.#events.active || !allRefused(backends)) return;
    this.#allRefusedSaid = true;
    const message = `every address of ${this.#host} refuses connections (ECONNREFUSED): ${refusalAdvice(backends)}`;
    this.#events.publish({ type: "hint", hint: "all-refused", message });
  }
}

function isLocalName(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}
