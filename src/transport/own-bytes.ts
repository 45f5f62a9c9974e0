import { type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";

/** A message, a list, the values of a map, or the choice of a oneof. */
type Holder = Record<PropertyKey, unknown>;

/** Looks at one value that a message holds. */
type Visit = (holder: Holder, key: PropertyKey) => void;

/** Looks at those fields of a message that can hold bytes, however deep. */
type Walk = (message: Holder) => void;

/** Of a larger message it is worth asking whether its memory is shared before all of it is looked at. */
const smallBytes = 2_048;

/**
 * True where other messages are in the same memory, as small ones are, or much more than the message: what inflates a
 * message may need a byte to spare, and whoever keeps its bytes is to keep little else.
 */
export function isShared(bytes: Uint8Array): boolean {
  const { length } = bytes;
  return bytes.buffer.byteLength - length > (length > smallBytes ? length / 8 : 0);
}

/**
 * Gives bytes of decoded messages memory of their own. Decoders make them views of what they read, and small messages
 * are read from memory that many of them share: a user who hands such bytes to a worker would take other answers away
 * with them, and who keeps them would keep all the others. Most messages bring no bytes, and cost a look: without
 * `buffer`, which is a call into C++ and makes V8 allocate a memory for arrays that have none yet, such as the empty one
 * of a field that was not sent.
 */
export class OwnBytes {
  readonly #walks = new Map<DescMessage, Walk>();
  #payload: Uint8Array = nothing;
  /** The message's own memory: its payload if that is not shared, else one copy, however many fields there are. */
  #own: Uint8Array | undefined;

  /** What does so for messages of one type, each read from `payload`: to be asked for once, and not at each message. */
  giverOf(desc: DescMessage): (message: Message, payload: Uint8Array) => void {
    const walk = this.#walkOf(desc);
    return (message, payload) => {
      if (payload.length > smallBytes && !isShared(payload)) return;
      this.#payload = payload;
      this.#own = undefined;
      walk(message as unknown as Holder);
      this.#payload = nothing;
      this.#own = undefined;
    };
  }

  /** The walk of a type, made once: types may refer to themselves. */
  #walkOf(desc: DescMessage): Walk {
    const known = this.#walks.get(desc);
    if (known !== undefined) return known;
    const bytesFields: string[] = [];
    const others: Walk[] = [];
    const walk: Walk = (message) => {
      for (const name of bytesFields) if (isView(message[name])) this.#visitBytes(message, name);
      for (const look of others) look(message);
      if (message.$unknown !== undefined) this.#unknown(message.$unknown as Holder[]);
    };
    this.#walks.set(desc, walk);
    for (const field of desc.fields) {
      // Most bytes are such fields, and most of those were not sent: no call for these.
      const isPlain = field.fieldKind === "scalar" && field.oneof === undefined;
      const look = this.#fieldWalk(field);
      if (isPlain && look !== undefined) bytesFields.push(field.localName);
      else if (look !== undefined) others.push(look);
    }
    return walk;
  }

  #fieldWalk(field: DescField): Walk | undefined {
    const visit = this.#visitOf(field);
    if (visit === undefined) return undefined;
    const { localName, oneof } = field;
    if (oneof === undefined) return (message) => visit(message, localName);
    return (message) => {
      const choice = message[oneof.localName] as Holder | undefined;
      if (choice?.case === localName) visit(choice, "value");
    };
  }

  #visitOf(field: DescField): Visit | undefined {
    switch (field.fieldKind) {
      case "list":
        return this.#each(field.listKind === "message" ? this.#messages(field.message) : this.#bytes(field.scalar));
      case "map":
        return this.#each(field.mapKind === "message" ? this.#messages(field.message) : this.#bytes(field.scalar));
      case "message":
        return this.#messages(field.message);
      default:
        return this.#bytes(field.scalar);
    }
  }

  #each(visit: Visit | undefined): Visit | undefined {
    if (visit === undefined) return undefined;
    return (holder, key) => {
      const values = holder[key] as Holder;
      if (Array.isArray(values)) for (let i = 0; i < values.length; i++) visit(values as unknown as Holder, i);
      else if (isObject(values)) for (const name of Object.keys(values)) visit(values, name);
    };
  }

  #bytes(scalar: ScalarType | undefined): Visit | undefined {
    return scalar === ScalarType.BYTES ? this.#visitBytes : undefined;
  }

  #messages(desc: DescMessage): Visit {
    let walk: Walk | undefined;
    return (holder, key) => {
      const value = holder[key];
      if (value === undefined) return;
      // google.protobuf.BytesValue is just its bytes where it is a field; other wrappers and Struct hold none.
      if (value instanceof Uint8Array) this.#visitBytes(holder, key);
      else if (isObject(value)) {
        walk ??= this.#walkOf(desc);
        walk(value);
      }
    };
  }

  readonly #visitBytes: Visit = (holder, key) => {
    const bytes = holder[key] as Uint8Array | undefined;
    if (isView(bytes) && bytes.buffer === this.#payload.buffer) holder[key] = this.#moved(bytes);
  };

  /** Fields that the schema does not know, and extensions. */
  #unknown(fields: Holder[]): void {
    for (const field of fields) this.#visitBytes(field, "data");
  }

  #moved(bytes: Uint8Array): Uint8Array {
    this.#own ??= isShared(this.#payload) ? this.#payload.slice() : this.#payload;
    const start = bytes.byteOffset - this.#payload.byteOffset;
    return this.#own.subarray(start, start + bytes.length);
  }
}

const nothing = new Uint8Array(0);

/** Bytes that may be a part of a payload, where a tag comes before them. */
function isView(bytes: unknown): bytes is Uint8Array {
  return bytes !== undefined && (bytes as Uint8Array).byteOffset !== 0;
}

function isObject(value: unknown): value is Holder {
  return typeof value === "object" && value !== null;
}
