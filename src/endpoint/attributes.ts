import { checkNumber, describeValue } from "../base/check.ts";

/** Names one attribute of an endpoint, and its type. Made by {@link attributeKey}. */
export interface AttributeKey<T> {
  /** From the global symbol registry, so that two copies of this package in one process agree. */
  readonly id: symbol;
  /** What an endpoint without the attribute counts as. */
  readonly defaultValue: T;
}

/** What a resolver knows of an endpoint beside its addresses. Immutable; the keys are typed, as Connect's context keys are. */
export interface Attributes {
  /** The attribute, or the key's default. */
  get<T>(key: AttributeKey<T>): T;
  /** The same with one attribute more, or changed. */
  with<T>(key: AttributeKey<T>, value: T): Attributes;
  /** Whether both have the same keys with the same values (`Object.is`). */
  equals(other: Attributes): boolean;
}

/** A key of your own: `name` is unique in the process, so prefix it, as in `example.com/rack`. */
export function attributeKey<T>(name: string, defaultValue: T): AttributeKey<T> {
  return { id: Symbol.for(`glink.attribute.${name}`), defaultValue };
}

/** From the global symbol registry, so that two copies of this package in one process can read each other's attributes. */
const valuesKey: unique symbol = Symbol.for("glink.attributes");

class AttributeMap implements Attributes {
  readonly [valuesKey]: ReadonlyMap<symbol, unknown>;

  constructor(values: ReadonlyMap<symbol, unknown>) {
    this[valuesKey] = values;
  }

  get<T>({ id, defaultValue }: AttributeKey<T>): T {
    // Of most backends nothing is known, and policies ask each of thousands at every change.
    if (this === noAttributes) return defaultValue;
    const values = this[valuesKey];
    return values.has(id) ? (values.get(id) as T) : defaultValue;
  }

  with<T>({ id }: AttributeKey<T>, value: T): Attributes {
    return new AttributeMap(new Map(this[valuesKey]).set(id, value));
  }

  equals(other: Attributes): boolean {
    if (other === this) return true;
    const own = this[valuesKey];
    const others = valuesOf(other);
    if (others?.size !== own.size) return false;
    for (const [id, value] of own) {
      if (!others.has(id) || !Object.is(others.get(id), value)) return false;
    }
    return true;
  }
}

function valuesOf(attributes: unknown): ReadonlyMap<symbol, unknown> | undefined {
  return (attributes as Partial<AttributeMap> | null | undefined)?.[valuesKey];
}

/** True of what {@link noAttributes} and its `with` gave, in this copy of the package or another. */
export function isAttributes(value: unknown): value is Attributes {
  return valuesOf(value) !== undefined;
}

/** What an endpoint has of which nothing is known: `noAttributes.with(endpointWeight, 3)`. */
export const noAttributes: Attributes = new AttributeMap(new Map());

/** The endpoint's share of calls, relative to the others' shares: from 1e-9 to 1e9, default 1. */
export const endpointWeight: AttributeKey<number> = attributeKey("weight", 1);

/** The zone, or other neighbourhood, that the endpoint is in: for the transport's option `zone`. Default: it is not known. */
export const endpointZone: AttributeKey<string | undefined> = attributeKey("zone", undefined);

/**
 * The endpoint's level: those of the next are used while none before it can take calls. An integer from 0, the first, which
 * is the default. gRFC A56.
 */
export const endpointPriority: AttributeKey<number> = attributeKey("priority", 0);

/** The name behind the addresses, a pod's or that of an SRV record: to be shown beside them. Default: it is not known. */
export const endpointHostname: AttributeKey<string | undefined> = attributeKey("hostname", undefined);

/**
 * What stands for the endpoint where keys are hashed to it: it keeps its keys when its address changes. Default: its first
 * address. gRFC A76.
 */
export const endpointHashKey: AttributeKey<string | undefined> = attributeKey("hash_key", undefined);

/**
 * The zones that the endpoint is meant for, as hints of Kubernetes' EndpointSlices name them (`forZones`). Default: none are
 * named.
 */
export const endpointZoneHints: AttributeKey<readonly string[]> = attributeKey("zone_hints", []);

/** Throws a TypeError or RangeError that says which of the attributes above has a value that means nothing. */
export function checkAttributes(attributes: Attributes): void {
  if (attributes === noAttributes) return;
  checkNumber("the weight of an endpoint", attributes.get(endpointWeight), weightRange);
  checkNumber("the priority of an endpoint", attributes.get(endpointPriority), priorityRange);
  checkText("zone", attributes.get(endpointZone));
  checkText("hostname", attributes.get(endpointHostname));
  checkText("hash key", attributes.get(endpointHashKey));
}

/** Far apart, and a sum of many is still exact enough to share calls by. */
const weightRange = { min: 1e-9, max: 1e9 };

const priorityRange = { min: 0, max: 0xffffffff, integer: true };

function checkText(name: string, value: string | undefined): void {
  if (value === undefined || (typeof value === "string" && value !== "")) return;
  throw new TypeError(`the ${name} of an endpoint must be a text that is not empty, not ${describeValue(value)}`);
}
