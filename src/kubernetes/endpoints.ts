import {
  type Address,
  type Attributes,
  type Endpoint,
  endpointHostname,
  endpointZone,
  endpointZoneHints,
  noAttributes,
} from "../index.ts";
import type { Slice, SliceEndpoint, SlicePort } from "./slice.ts";

/** Where the client is, as far as it knows. */
export interface Location {
  readonly zone: string | undefined;
  readonly node: string | undefined;
}

/** An endpoint of a slice, with the port that its slice says. */
interface Candidate {
  readonly source: SliceEndpoint;
  readonly port: number;
  /** What both addresses of a dual-stack pod have in common; of an endpoint that is no pod, its address and port. */
  readonly pod: string;
  readonly endpoint: Endpoint;
}

/** What one slice brings. */
interface Candidates {
  readonly ready: readonly Candidate[];
  readonly lastResort: readonly Candidate[];
}

/** The backends of one port of a Service. What stays the same from list to list is the same object, and costs next to nothing. */
export class ServiceEndpoints {
  readonly #port: number | string;
  readonly #location: Location;
  readonly #ofSlices = new WeakMap<Slice, Candidates>();
  readonly #ofEndpoints = new WeakMap<SliceEndpoint, Candidate>();
  /** Of a dual-stack pod, by the endpoint of its second address. */
  readonly #pairs = new WeakMap<Endpoint, { readonly first: Endpoint; readonly both: Endpoint }>();

  constructor(port: number | string, location: Location) {
    this.#port = port;
    this.#location = location;
  }

  /**
   * The backends of all slices: those that are ready, or where none is, those that still serve on their way out, as kube-proxy
   * does. Throws where no slice has the port, or all of them are of a kind that has no addresses.
   */
  of(slices: readonly Slice[]): Endpoint[] {
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
    if (readable.every(({ ports }) => portOf(ports, this.#port) === undefined)) this.#checkPorts(readable);
    const candidates = readable.map((slice) => this.#candidatesOf(slice));
    // What flatMap does, in a fiftieth of its time for a thousand.
    const ready = ([] as readonly Candidate[]).concat(...candidates.map((one) => one.ready));
    return this.#joined(
      ready.length > 0 ? nearest(ready, this.#location) : candidates.flatMap((one) => one.lastResort),
    );
  }

  /** No slice has the port. One without endpoints may have lost its ports. */
  #checkPorts(slices: readonly Slice[]): void {
    const names = new Set(slices.flatMap(({ ports }) => ports.map(({ name }) => name)));
    if (names.size === 0) return;
    const present = [...names].map((name) => (name === "" ? "one without a name" : JSON.stringify(name)));
    throw new Error(`no EndpointSlice has a port ${JSON.stringify(this.#port)}: there is ${present.join(", ")}`);
  }

  #candidatesOf(slice: Slice): Candidates {
    const known = this.#ofSlices.get(slice);
    if (known !== undefined) return known;
    const port = portOf(slice.ports, this.#port);
    const all = port === undefined ? [] : slice.endpoints.map((source) => this.#candidateOf(source, port));
    const made = {
      ready: all.filter(({ source }) => source.ready),
      lastResort: all.filter(({ source }) => source.lastResort),
    };
    this.#ofSlices.set(slice, made);
    return made;
  }

  #candidateOf(source: SliceEndpoint, port: number): Candidate {
    const known = this.#ofEndpoints.get(source);
    // A rollout may change the port of a slice.
    if (known?.port === port) return known;
    const address: Address = Object.freeze({ host: source.address, port });
    const endpoint = Object.freeze({ addresses: Object.freeze([address]), attributes: attributesOf(source) });
    const made = { source, port, pod: source.podUid ?? `${source.address} ${port}`, endpoint };
    this.#ofEndpoints.set(source, made);
    return made;
  }

  /**
   * One endpoint for each pod. While the controller moves an endpoint it may be in two slices; the IPv4 and IPv6 addresses
   * of a dual-stack pod are always in two, and belong together by the pod's uid.
   */
  #joined(candidates: readonly Candidate[]): Endpoint[] {
    const byPod = new Map<string, Endpoint>();
    for (const { source, pod, endpoint } of candidates) {
      const known = byPod.get(pod);
      if (known === undefined) byPod.set(pod, endpoint);
      else if (!known.addresses.some((address) => "host" in address && address.host === source.address)) {
        byPod.set(pod, this.#both(known, endpoint));
      }
    }
    return [...byPod.values()];
  }

  #both(first: Endpoint, second: Endpoint): Endpoint {
    const known = this.#pairs.get(second);
    if (known?.first === first) return known.both;
    const addresses = Object.freeze([...first.addresses, ...second.addresses]);
    const both = Object.freeze({ ...first, addresses });
    this.#pairs.set(second, { first, both });
    return both;
  }
}

function portOf(ports: readonly SlicePort[], port: number | string): number | undefined {
  return typeof port === "number" ? port : ports.find(({ name }) => name === port)?.port;
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
  if (place === undefined || ready.some(({ source }) => hintsOf(source).length === 0)) return undefined;
  const near = ready.filter(({ source }) => hintsOf(source).includes(place));
  return near.length === 0 ? undefined : near;
}

function attributesOf({ zone, zoneHints, podName }: SliceEndpoint): Attributes {
  let attributes = noAttributes;
  if (zone !== undefined) attributes = attributes.with(endpointZone, zone);
  if (zoneHints.length > 0) attributes = attributes.with(endpointZoneHints, zoneHints);
  if (podName !== undefined && podName !== "") attributes = attributes.with(endpointHostname, podName);
  return attributes;
}
