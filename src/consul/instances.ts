import {
  type Attributes,
  type Endpoint,
  endpointHostname,
  endpointWeight,
  endpointZone,
  noAttributes,
  peerText,
} from "../index.ts";

/** What Consul says of an instance, as far as it is read. */
interface Instance {
  readonly Node?: {
    readonly Node?: string;
    readonly Address?: string;
    readonly Meta?: Meta;
    readonly Locality?: Locality;
  };
  readonly Service?: {
    readonly Address?: string;
    readonly Port?: number;
    readonly Weights?: { readonly Passing?: number; readonly Warning?: number };
    readonly Meta?: Meta;
    readonly Locality?: Locality;
  };
  readonly Checks?: readonly { readonly Status?: string }[];
}

type Meta = Readonly<Record<string, string>> | null;
type Locality = { readonly Zone?: string } | null;

/** Reads the answer of /v1/health/service. Throws where it is none. */
export function readInstances(text: string): readonly Endpoint[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new TypeError("its answer is no list of instances");
  return list.flatMap((instance: Instance) => endpointOf(instance) ?? []);
}

/** Undefined: it must not be used, or does not say where it is. */
function endpointOf({ Node, Service, Checks }: Instance): Endpoint | undefined {
  const statuses = (Checks ?? []).map(({ Status }) => Status);
  if (statuses.some((status) => status !== "passing" && status !== "warning")) return undefined;
  // An instance without an address of its own is at its node's.
  const host = Service?.Address || Node?.Address;
  const port = Service?.Port;
  // One instance that was registered with nonsense must not keep the others from being heard of.
  if (!isHost(host) || !isPort(port)) return undefined;
  const { Passing = 1, Warning = 1 } = Service?.Weights ?? {};
  const weight = statuses.includes("warning") ? Warning : Passing;
  // With a weight of 0 its DNS names an instance last, and not never.
  let attributes: Attributes = noAttributes.with(endpointWeight, weight > 0 ? weight : smallestWeight);
  const zone = Service?.Locality?.Zone || Service?.Meta?.zone || Node?.Locality?.Zone || Node?.Meta?.zone;
  if (zone) attributes = attributes.with(endpointZone, zone);
  if (Node?.Node) attributes = attributes.with(endpointHostname, Node.Node);
  return { addresses: [{ host, port }], attributes };
}

/** As addresses have to be: readable, with nothing that a terminal obeys. */
function isHost(host: unknown): host is string {
  return typeof host === "string" && host !== "" && peerText(host, Number.POSITIVE_INFINITY) === host;
}

/** Consul takes any number at a registration. */
function isPort(port: number | undefined): port is number {
  return Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535;
}

const smallestWeight = 0.01;
