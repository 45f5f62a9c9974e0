import { formatAddress } from "../endpoint/address.ts";
import { endpointHashKey, endpointWeight } from "../endpoint/attributes.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Backend } from "../subchannel/backend.ts";
import { Dice } from "./dice.ts";
import { HashRing, type RingSize } from "./hash-ring.ts";
import type { PickInfo } from "./picker.ts";
import type { Policy, PolicyController, PolicyFacts, PolicyUpdate } from "./policy.ts";
import { type RingBackend, RingHashPicker } from "./ring-hash-picker.ts";
import { queueAll, withoutReady } from "./unreachable.ts";

/** A backend and its place on the ring. */
interface Member extends RingBackend {
  /** What its entries were made of. */
  readonly endpoint: Endpoint;
  readonly share: number;
}

/** Keeps the ring of all backends, connected or not: keys do not move when a connection comes or is lost. */
export class RingHashPolicy implements Policy {
  readonly #controller: PolicyController;
  readonly #size: RingSize;
  readonly #keyOf: (info: PickInfo) => string | undefined;
  readonly #dice: Dice;
  #members = new Map<Backend, Member>();
  #ring: HashRing | undefined;

  constructor(controller: PolicyController, size: RingSize, keyOf: (info: PickInfo) => string | undefined) {
    this.#controller = controller;
    this.#size = size;
    this.#keyOf = keyOf;
    this.#dice = new Dice(controller.random);
  }

  update({ backends, ready, changed }: PolicyUpdate): void {
    if (changed.some((backend) => this.#members.get(backend)?.endpoint !== backend.endpoint || isGone(backend))) {
      this.#makeRing(backends);
    }
    const ring = this.#ring;
    if (ring === undefined) {
      this.#controller.publish(queueAll);
      return;
    }
    const isChosen = new Set(ready);
    for (const [backend, member] of this.#members) member.mayServe = isChosen.has(backend);
    // Those that failed are dialled again, each on its own backoff (gRFC A61): calls pass them over meanwhile.
    for (const backend of changed) if (backend.state === "idle" && backend.lastFailure !== undefined) backend.connect();
    this.#connectFirst(backends);
    const unreachable = withoutReady(backends, this.#controller);
    const members = [...this.#members.values()];
    this.#controller.publish(new RingHashPicker({ ring, members, keyOf: this.#keyOf, dice: this.#dice, unreachable }));
  }

  /** `share`: how much of all keys is its own. */
  factsOf(backend: Backend): PolicyFacts | undefined {
    const member = this.#members.get(backend);
    return member === undefined ? undefined : { share: member.share };
  }

  #makeRing(backends: readonly Backend[]): void {
    this.#members = new Map();
    this.#ring = undefined;
    if (backends.length === 0) return;
    const ring = new HashRing(
      backends.map(({ endpoint: { addresses, attributes } }) => ({
        key: attributes.get(endpointHashKey) ?? formatAddress(addresses[0] as Endpoint["addresses"][0]),
        weight: attributes.get(endpointWeight),
      })),
      this.#size,
    );
    const shares = ring.sharesOf(backends.length);
    for (const [i, backend] of backends.entries()) {
      this.#members.set(backend, { backend, endpoint: backend.endpoint, share: shares[i] as number, mayServe: false });
    }
    this.#ring = ring;
  }

  /** While none is connected, or on its way, one is dialled without a call for it: at the beginning, and after failures. */
  #connectFirst(backends: readonly Backend[]): void {
    if (backends.some(({ state }) => state === "ready" || state === "connecting")) return;
    const start = this.#dice.below(backends.length);
    const idle = [...backends.slice(start), ...backends.slice(0, start)].find(({ state }) => state === "idle");
    idle?.connect();
  }
}

function isGone({ state }: Backend): boolean {
  return state === "shutdown";
}
