/** Told of the fields of a message, in their order. Fields of other types are passed over. */
export interface FieldListener {
  onVarint?(number: number, value: number): void;
  onDouble?(number: number, value: number): void;
  /** The bytes are a part of the message. */
  onBytes?(number: number, value: Uint8Array): void;
}

/** The type of a field on the wire (protobuf's encoding.md). Groups are not read. */
const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 };

/**
 * Reads the few messages that the channel itself asks for. Numbers above 2 ** 53 lose their last digits. Throws a RangeError
 * where the bytes are no message.
 */
export function readFields(bytes: Uint8Array, listener: FieldListener): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = view.getUint8(at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a varint is too long");
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case wireType.varint: {
        const value = varint();
        listener.onVarint?.(number, value);
        break;
      }
      case wireType.fixed64:
        listener.onDouble?.(number, view.getFloat64(at, true));
        at += 8;
        break;
      case wireType.bytes: {
        const length = varint();
        if (at + length > bytes.length) throw new RangeError("a field is longer than the message");
        listener.onBytes?.(number, bytes.subarray(at, at + length));
        at += length;
        break;
      }
      case wireType.fixed32:
        at += 4;
        break;
      default:
        throw new RangeError("a field has no known type");
    }
  }
  if (at > bytes.length) throw new RangeError("a field is longer than the message");
}

/** A field of a whole number, below 2 ** 53; 0 is the default, and not sent. */
export function varintField(number: number, value: number): number[] {
  return value === 0 ? [] : [...varintOf(number * 8 + wireType.varint), ...varintOf(value)];
}

/** A field of bytes: a message, or a text in UTF-8. */
export function bytesField(number: number, value: ArrayLike<number> & Iterable<number>): number[] {
  return [...varintOf(number * 8 + wireType.bytes), ...varintOf(value.length), ...value];
}

function varintOf(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return [...bytes, left];
}
