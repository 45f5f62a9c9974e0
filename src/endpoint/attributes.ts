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

/** The endpoint's share of calls, relative to the others' shares: above 0, default 1. For policies that look at it. */
export const endpointWeight: AttributeKey<number> = attributeKey("weight", 1);
