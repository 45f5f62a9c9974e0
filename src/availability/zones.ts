import { endpointZone } from "../endpoint/attributes.ts";
import type { Backend } from "../subchannel/backend.ts";

/** What a backend's weight is multiplied by, by its zone; a zone that is not in it gets no calls. */
export type ZoneFactors = ReadonlyMap<string | undefined, number>;

/**
 * How a client in `zone` shares its calls among zones, as Envoy's zone-aware routing does where all zones have as many
 * clients. A zone carries what its own clients ask for if its part of all backends, by weight, is one in as many as there
 * are zones. A client whose zone has less sends there what it can carry, and the rest to zones that have more than their
 * own clients need, in proportion to what they have left.
 *
 * `ready`: those that calls may go to. `named`: all, connected or not: a zone of which none works has clients all the same.
 * Undefined: no backend says a zone, or none is ready.
 */
export function zoneFactors(
  zone: string,
  ready: readonly Backend[],
  named: readonly Backend[],
  weightOf: (backend: Backend) => number,
): ZoneFactors | undefined {
  const zones = new Set(named.map(zoneOf));
  zones.delete(undefined);
  if (zones.size === 0) return undefined;
  zones.add(zone);
  const parts = new Map<string | undefined, number>();
  let total = 0;
  for (const backend of ready) {
    const weight = weightOf(backend);
    parts.set(zoneOf(backend), (parts.get(zoneOf(backend)) ?? 0) + weight);
    total += weight;
  }
  if (total === 0) return undefined;
  const fair = 1 / zones.size;
  const own = (parts.get(zone) ?? 0) / total;
  // A third is not always three times a third.
  if (own >= fair - 1e-9) return new Map([[zone, 1]]);
  const left = new Map<string | undefined, number>();
  let leftTotal = 0;
  for (const [name, weight] of parts) {
    const spare = name === zone ? 0 : weight / total - (name === undefined ? 0 : fair);
    if (spare <= 1e-9) continue;
    left.set(name, spare);
    leftTotal += spare;
  }
  const factors = new Map<string | undefined, number>();
  if (own > 0) factors.set(zone, own / fair / own);
  const rest = 1 - own / fair;
  for (const [name, spare] of left)
    factors.set(name, ((spare / leftTotal) * rest * total) / (parts.get(name) as number));
  return factors;
}

export function zoneOf({ endpoint }: Backend): string | undefined {
  return endpoint.attributes.get(endpointZone);
}
