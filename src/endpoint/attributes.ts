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

class AttributeMap implements Attributes {
  readonly #values: ReadonlyMap<symbol, unknown>;

  constructor(values: ReadonlyMap<symbol, unknown>) {
    this.#values = values;
  }

  get<T>({ id, defaultValue }: AttributeKey<T>): T {
    return this.#values.has(id) ? (this.#values.get(id) as T) : defaultValue;
  }

  with<T>({ id }: AttributeKey<T>, value: T): Attributes {
    return new AttributeMap(new Map(this.#values).set(id, value));
  }

  equals(other: Attributes): boolean {
    if (other === this) return true;
    if (!(other instanceof AttributeMap) || other.#values.size !== this.#values.size) return false;
    for (const [id, value] of this.#values) {
      if (!other.#values.has(id) || !Object.is(other.#values.get(id), value)) return false;
    }
    return true;
  }
}

/** What an endpoint has of which nothing is known: `noAttributes.with(endpointWeight, 3)`. */
export const noAttributes: Attributes = new AttributeMap(new Map());

/** The endpoint's share of calls, relative to the others' shares: above 0, default 1. For policies that look at it. */
export const endpointWeight: AttributeKey<number> = attributeKey("weight", 1);
