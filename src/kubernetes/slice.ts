/** What is kept of an EndpointSlice: what a list of endpoints is made of. */
export interface Slice {
  readonly name: string;
  readonly family: "IPv4" | "IPv6" | "FQDN";
  readonly ports: readonly SlicePort[];
  /** Those that did not change are the objects of the slice before. */
  readonly endpoints: readonly SliceEndpoint[];
}

export interface SlicePort {
  /** "" where the only port of a Service has no name. */
  readonly name: string;
  /** The port that the pods of this slice listen on. */
  readonly port: number;
}

export interface SliceEndpoint {
  readonly address: string;
  readonly ready: boolean;
  /** Ready, but for being on its way out: used where nothing is ready. */
  readonly lastResort: boolean;
  readonly zone: string | undefined;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
  readonly podName: string | undefined;
  readonly podUid: string | undefined;
}

/** The fields that are read of discovery.k8s.io/v1, any of which another server may leave out. */
export interface SliceJson {
  readonly metadata?: {
    readonly name?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>> | null;
  };
  readonly addressType?: string;
  readonly ports?: readonly PortJson[] | null;
  readonly endpoints?: readonly EndpointJson[] | null;
}

interface PortJson {
  readonly name?: string | null;
  readonly port?: number | null;
  readonly protocol?: string | null;
}

interface EndpointJson {
  readonly addresses?: readonly string[] | null;
  readonly conditions?: {
    readonly ready?: boolean | null;
    readonly serving?: boolean | null;
    readonly terminating?: boolean | null;
  } | null;
  readonly zone?: string | null;
  readonly hints?: { readonly forZones?: readonly Named[] | null; readonly forNodes?: readonly Named[] | null } | null;
  readonly targetRef?: { readonly name?: string; readonly uid?: string } | null;
}

interface Named {
  readonly name: string;
}

const noNames: readonly string[] = [];

/** Reads a slice. */
export class SliceReader {
  /**
   * Equal hints of zones are one object, because they become attributes, which are compared as they are. A cluster has few
   * zones, and nodes without end.
   */
  readonly #zones = new Map<string, readonly string[]>();

  /** `before`: the same slice as it was, which is returned where nothing of it has changed. */
  read({ metadata, addressType, ports, endpoints }: SliceJson, before?: Slice): Slice {
    const name = metadata?.name;
    if (name === undefined) throw new Error("the API server sent an EndpointSlice without a name");
    const known = new KnownByAddress(before?.endpoints ?? []);
    const slice: Slice = {
      name,
      family: addressType === "IPv6" || addressType === "FQDN" ? addressType : "IPv4",
      ports: (ports ?? []).flatMap(({ name, port, protocol }) =>
        typeof port !== "number" || (protocol ?? "TCP") !== "TCP" ? [] : [{ name: name ?? "", port }],
      ),
      endpoints: (endpoints ?? []).flatMap((json, i) => {
        const endpoint = this.#readEndpoint(json);
        if (endpoint === undefined) return [];
        const same = known.get(endpoint.address, i);
        return [same !== undefined && isSame(same, endpoint) ? same : endpoint];
      }),
    };
    return before !== undefined && isSameSlice(before, slice) ? before : slice;
  }

  /** Of several addresses all but the first mean nothing. */
  #readEndpoint({ addresses, conditions, zone, hints, targetRef }: EndpointJson): SliceEndpoint | undefined {
    const address = addresses?.[0];
    if (address === undefined) return undefined;
    return {
      address,
      // Conditions that are not known count as ready, serving, and not terminating.
      ready: conditions?.ready ?? true,
      lastResort: (conditions?.serving ?? true) && (conditions?.terminating ?? false),
      zone: zone || undefined,
      zoneHints: this.#zonesOf(hints?.forZones),
      nodeHints: namesOf(hints?.forNodes),
      podName: targetRef?.name,
      podUid: targetRef?.uid,
    };
  }

  #zonesOf(list: readonly Named[] | null | undefined): readonly string[] {
    const zones = namesOf(list);
    if (zones.length === 0) return zones;
    const key = zones.join();
    const known = this.#zones.get(key) ?? zones;
    this.#zones.set(key, known);
    return known;
  }
}

function namesOf(list: readonly Named[] | null | undefined): readonly string[] {
  if (list === undefined || list === null || list.length === 0) return noNames;
  return Object.freeze(list.map(({ name }) => name));
}

/** The endpoints of a slice by their address: most are found where they were. */
class KnownByAddress {
  readonly #list: readonly SliceEndpoint[];
  #map: ReadonlyMap<string, SliceEndpoint> | undefined;

  constructor(list: readonly SliceEndpoint[]) {
    this.#list = list;
  }

  get(address: string, index: number): SliceEndpoint | undefined {
    const there = this.#list[index];
    if (there?.address === address) return there;
    this.#map ??= new Map(this.#list.map((endpoint) => [endpoint.address, endpoint]));
    return this.#map.get(address);
  }
}

/** Endpoints that did not change are the same objects. */
function isSameSlice(one: Slice, other: Slice): boolean {
  return (
    one.family === other.family &&
    one.ports.length === other.ports.length &&
    one.ports.every(({ name, port }, i) => name === other.ports[i]?.name && port === other.ports[i]?.port) &&
    one.endpoints.length === other.endpoints.length &&
    one.endpoints.every((endpoint, i) => endpoint === other.endpoints[i])
  );
}

function isSame(one: SliceEndpoint, other: SliceEndpoint): boolean {
  return (
    one.ready === other.ready &&
    one.lastResort === other.lastResort &&
    one.zone === other.zone &&
    one.zoneHints === other.zoneHints &&
    one.nodeHints.length === other.nodeHints.length &&
    one.nodeHints.every((node, i) => node === other.nodeHints[i]) &&
    one.podName === other.podName &&
    one.podUid === other.podUid
  );
}
