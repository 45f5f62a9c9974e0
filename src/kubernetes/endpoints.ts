import {
  type Address,
  type Attributes,
  type Endpoint,
  endpointHostname,
  endpointZone,
  endpointZoneHints,
  noAttributes,
} from "../index.ts";
import type { Slice, SliceEndpoint } from "./slice.ts";

/** Where the client is, as far as it knows. */
export interface Location {
  readonly zone: string | undefined;
  readonly node: string | undefined;
}

/** An endpoint of a slice with the port that its slice says. */
interface Candidate {
  readonly endpoint: SliceEndpoint;
  readonly port: number;
}

/** Endpoints that were made of those of slices: what stays the same is the same object. */
export type KnownEndpoints = WeakMap<SliceEndpoint, Endpoint>;

/**
 * The backends of all slices of a Service: those that are ready, or where none is, those that still serve on their way out, as
 * kube-proxy does. Throws where no slice has the port, or all of them are of a kind that has no addresses.
 */
export function endpointsOf(
  slices: readonly Slice[],
  port: number | string,
  location: Location,
  known: KnownEndpoints = new WeakMap(),
): Endpoint[] {
  const candidates = candidatesOf(slices, port);
  const ready = candidates.filter(({ endpoint }) => endpoint.ready);
  const usable = ready.length > 0 ? nearest(ready, location) : candidates.filter(({ endpoint }) => endpoint.lastResort);
  return joined(usable, known);
}

function candidatesOf(slices: readonly Slice[], port: number | string): Candidate[] {
  // A dual-stack pod's IPv4 address first, whatever the order of slices.
  const readable = [
    ...slices.filter(({ family }) => family === "IPv4"),
    ...slices.filter(({ family }) => family === "IPv6"),
  ];
  if (readable.length === 0 && slices.length > 0) {
    throw new Error(
      "the EndpointSlices have host names (addressType FQDN), which Kubernetes has given up: use dnsResolver",
    );
  }
  const candidates: Candidate[] = [];
  let named = 0;
  for (const { ports, endpoints } of readable) {
    const number = typeof port === "number" ? port : ports.find(({ name }) => name === port)?.port;
    if (number === undefined) continue;
    named++;
    for (const endpoint of endpoints) candidates.push({ endpoint, port: number });
  }
  const names = readable.flatMap(({ ports }) => ports.map(({ name }) => name));
  // A slice without endpoints may have lost its ports.
  if (named === 0 && names.length > 0) {
    const present = [...new Set(names)].map((name) => (name === "" ? "one without a name" : JSON.stringify(name)));
    throw new Error(`no EndpointSlice has a port ${JSON.stringify(port)}: there is ${present.join(", ")}`);
  }
  return candidates;
}

/**
 * kube-proxy's rule: hints count only where every ready endpoint has them and one of them names this place, nodes before
 * zones. Without them, or where this place is not known, all are used.
 */
function nearest(ready: readonly Candidate[], { zone, node }: Location): readonly Candidate[] {
  return (
    hinted(ready, node, ({ nodeHints }) => nodeHints) ?? hinted(ready, zone, ({ zoneHints }) => zoneHints) ?? ready
  );
}

function hinted(
  ready: readonly Candidate[],
  place: string | undefined,
  hintsOf: (endpoint: SliceEndpoint) => readonly string[],
): readonly Candidate[] | undefined {
  if (place === undefined || ready.some(({ endpoint }) => hintsOf(endpoint).length === 0)) return undefined;
  const near = ready.filter(({ endpoint }) => hintsOf(endpoint).includes(place));
  return near.length === 0 ? undefined : near;
}

/**
 * One endpoint for each pod. While the controller moves an endpoint it may be in two slices; the IPv4 and IPv6 addresses
 * of a dual-stack pod are always in two, and belong together by the pod's uid.
 */
function joined(candidates: readonly Candidate[], known: KnownEndpoints): Endpoint[] {
  const byAddress = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const key = `${candidate.endpoint.address} ${candidate.port}`;
    if (!byAddress.has(key)) byAddress.set(key, candidate);
  }
  const byPod = new Map<string, Endpoint>();
  for (const [key, candidate] of byAddress) {
    const endpoint = endpointOf(candidate, known);
    const pod = candidate.endpoint.podUid ?? key;
    const other = byPod.get(pod);
    if (other === undefined) byPod.set(pod, endpoint);
    else byPod.set(pod, { ...other, addresses: [...other.addresses, ...endpoint.addresses] });
  }
  return [...byPod.values()];
}

function endpointOf({ endpoint, port }: Candidate, known: KnownEndpoints): Endpoint {
  const before = known.get(endpoint);
  // A rollout may change the port of a slice.
  if (before !== undefined && (before.addresses[0] as { readonly port?: number }).port === port) return before;
  const address: Address = Object.freeze({ host: endpoint.address, port });
  const made = Object.freeze({ addresses: Object.freeze([address]), attributes: attributesOf(endpoint) });
  known.set(endpoint, made);
  return made;
}

function attributesOf({ zone, zoneHints, podName }: SliceEndpoint): Attributes {
  let attributes = noAttributes;
  if (zone !== undefined) attributes = attributes.with(endpointZone, zone);
  if (zoneHints.length > 0) attributes = attributes.with(endpointZoneHints, zoneHints);
  if (podName !== undefined && podName !== "") attributes = attributes.with(endpointHostname, podName);
  return attributes;
}
