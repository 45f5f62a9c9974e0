import { formatAddress } from "../endpoint/address.ts";
import { endpointHashKey, endpointWeight } from "../endpoint/attributes.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Backend } from "../subchannel/backend.ts";
import { Dice } from "./dice.ts";
import { HashRing, type RingSize } from "./hash-ring.ts";
import type { PickInfo } from "./picker.ts";
import type { Policy, PolicyController, PolicyFacts, PolicyUpdate } from "./policy.ts";
import { priorityOf } from "./priority.ts";
import { type RingBackend, RingHashPicker } from "./ring-hash-picker.ts";
import { queueAll, withoutReady } from "./unreachable.ts";

/** A backend and its place on the ring. */
interface Member extends RingBackend {
  /** What its entries were made of. */
  readonly endpoint: Endpoint;
  readonly share: number;
}

/**
 * Keeps the ring of all backends, connected or not: keys do not move when a connection comes or is lost. Of several
 * priorities each has a ring of its own (gRFC A56), so that no call waits for a backend of a level that is not in use.
 */
export class RingHashPolicy implements Policy {
  readonly #controller: PolicyController;
  readonly #size: RingSize;
  readonly #keyOf: (info: PickInfo) => string | undefined;
  readonly #dice: Dice;
  #members = new Map<Backend, Member>();
  /** The priority that the ring is of. */
  #level: number | undefined;
  #ring: HashRing | undefined;

  constructor(controller: PolicyController, size: RingSize, keyOf: (info: PickInfo) => string | undefined) {
    this.#controller = controller;
    this.#size = size;
    this.#keyOf = keyOf;
    this.#dice = new Dice(controller.random);
  }

  update({ backends, ready, changed }: PolicyUpdate): void {
    const level = levelInUse(backends, ready);
    if (level !== this.#level || changed.some((backend) => this.#isNews(backend))) {
      this.#level = level;
      this.#makeRing(backends.filter((backend) => priorityOf(backend) === level));
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
    // No key asks for those of other levels: calls go back to them, or on to them, once they are ready.
    for (const backend of backends) if (!this.#members.has(backend)) backend.connect();
    this.#connectFirst();
    const unreachable = withoutReady(backends, this.#controller);
    const members = [...this.#members.values()];
    this.#controller.publish(new RingHashPicker({ ring, members, keyOf: this.#keyOf, dice: this.#dice, unreachable }));
  }

  /** `share`: how much of all keys is its own. */
  factsOf(backend: Backend): PolicyFacts | undefined {
    const member = this.#members.get(backend);
    return member === undefined ? undefined : { share: member.share };
  }

  /** The ring is not of this backend, or of what it was. */
  #isNews(backend: Backend): boolean {
    const known = this.#members.get(backend);
    if (priorityOf(backend) !== this.#level || backend.state === "shutdown") return known !== undefined;
    return known?.endpoint !== backend.endpoint;
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
  #connectFirst(): void {
    const backends = [...this.#members.keys()];
    if (backends.some(({ state }) => state === "ready" || state === "connecting")) return;
    const start = this.#dice.below(backends.length);
    const idle = [...backends.slice(start), ...backends.slice(0, start)].find(({ state }) => state === "idle");
    idle?.connect();
  }
}

/** That of the backends which calls may go to; while there is none, the last that is tried. Undefined: there are no backends. */
function levelInUse(backends: readonly Backend[], ready: readonly Backend[]): number | undefined {
  const [first] = ready;
  if (first !== undefined) return priorityOf(first);
  return backends.reduce<number | undefined>((last, backend) => Math.max(last ?? 0, priorityOf(backend)), undefined);
}
