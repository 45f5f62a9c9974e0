/** What is kept of an EndpointSlice: what a list of endpoints is made of. */
export interface Slice {
  readonly name: string;
  readonly family: "IPv4" | "IPv6" | "FQDN";
  readonly ports: readonly SlicePort[];
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
  readonly metadata?: { readonly name?: string; readonly resourceVersion?: string };
  readonly addressType?: string;
  readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[] | null;
  readonly endpoints?: readonly EndpointJson[] | null;
}

interface EndpointJson {
  readonly addresses?: readonly string[];
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  readonly zone?: string;
  readonly hints?: { readonly forZones?: readonly { name: string }[]; readonly forNodes?: readonly { name: string }[] };
  readonly targetRef?: { readonly name?: string; readonly uid?: string };
}

const noNames: readonly string[] = [];

/** Reads a slice. Equal lists of hints become one object, so that an endpoint which stays the same compares as the same. */
export class SliceReader {
  readonly #names = new Map<string, readonly string[]>();

  read({ metadata, addressType, ports, endpoints }: SliceJson): Slice {
    const name = metadata?.name;
    if (name === undefined) throw new Error("the API server sent an EndpointSlice without a name");
    return {
      name,
      family: addressType === "IPv6" || addressType === "FQDN" ? addressType : "IPv4",
      ports: (ports ?? []).flatMap(({ name = "", port, protocol = "TCP" }) =>
        port === undefined || protocol !== "TCP" ? [] : [{ name, port }],
      ),
      endpoints: (endpoints ?? []).flatMap((endpoint) => this.#readEndpoint(endpoint)),
    };
  }

  /** Of several addresses all but the first mean nothing. */
  #readEndpoint({ addresses: [address] = [], conditions, zone, hints, targetRef }: EndpointJson): SliceEndpoint[] {
    if (address === undefined) return [];
    // Conditions that are not known count as ready, serving, and not terminating.
    const { ready = true, serving = true, terminating = false } = conditions ?? {};
    return [
      {
        address,
        ready,
        lastResort: serving && terminating,
        zone: zone === "" ? undefined : zone,
        zoneHints: this.#namesOf(hints?.forZones),
        nodeHints: this.#namesOf(hints?.forNodes),
        podName: targetRef?.name,
        podUid: targetRef?.uid,
      },
    ];
  }

  #namesOf(list: readonly { readonly name: string }[] | undefined): readonly string[] {
    if (list === undefined || list.length === 0) return noNames;
    const key = list.map(({ name }) => name).join();
    const known = this.#names.get(key) ?? Object.freeze(list.map(({ name }) => name));
    this.#names.set(key, known);
    return known;
  }
}
