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

/**
 * The backends of all slices of a Service: those that are ready, or where none is, those that still serve on their way out, as
 * kube-proxy does. Throws where no slice has the port, or all of them are of a kind that has no addresses.
 */
export function endpointsOf(slices: readonly Slice[], port: number | string, location: Location): Endpoint[] {
  const candidates = candidatesOf(slices, port);
  const ready = candidates.filter(({ endpoint }) => endpoint.ready);
  const usable = ready.length > 0 ? nearest(ready, location) : candidates.filter(({ endpoint }) => endpoint.lastResort);
  return joined(usable);
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
function joined(candidates: readonly Candidate[]): Endpoint[] {
  const byAddress = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const key = `${candidate.endpoint.address} ${candidate.port}`;
    if (!byAddress.has(key)) byAddress.set(key, candidate);
  }
  const addressesByPod = new Map<string, { readonly addresses: Address[]; readonly attributes: Attributes }>();
  for (const [key, { endpoint, port }] of byAddress) {
    const address = { host: endpoint.address, port };
    const pod = endpoint.podUid ?? key;
    const known = addressesByPod.get(pod);
    if (known !== undefined) known.addresses.push(address);
    else addressesByPod.set(pod, { addresses: [address], attributes: attributesOf(endpoint) });
  }
  return [...addressesByPod.values()];
}

function attributesOf({ zone, zoneHints, podName }: SliceEndpoint): Attributes {
  let attributes = noAttributes;
  if (zone !== undefined) attributes = attributes.with(endpointZone, zone);
  if (zoneHints.length > 0) attributes = attributes.with(endpointZoneHints, zoneHints);
  if (podName !== undefined && podName !== "") attributes = attributes.with(endpointHostname, podName);
  return attributes;
}
