import {
  type BinaryWriteOptions,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

/** From here on a field is worth a look at its message without it. */
const largeBytes = 16_384;

const noBytes = new Uint8Array(0);

/**
 * Encodes messages of one type. A large bytes field goes last, as it is: protobuf-es writes it into memory that may be
 * twice as large, and copies that out. What is allocated outside of V8's heap drives its collector.
 */
export function binaryEncoder(
  desc: DescMessage,
  options: Partial<BinaryWriteOptions> | undefined,
): (message: Message) => Uint8Array {
  const bytesFields = desc.fields.filter(isPlainBytes);
  return (message) => {
    for (const field of bytesFields) {
      const bytes = (message as unknown as Record<string, unknown>)[field.localName];
      if (bytes instanceof Uint8Array && bytes.length > largeBytes) {
        const others = toBinary(desc, { ...message, [field.localName]: noBytes }, options);
        return withField(others, field.number, bytes);
      }
    }
    return toBinary(desc, message, options);
  };
}

/** A field that is not sent where it is empty. */
function isPlainBytes(field: DescField): boolean {
  if (field.fieldKind !== "scalar" || field.scalar !== ScalarType.BYTES || field.oneof !== undefined) return false;
  return field.presence === FeatureSet_FieldPresence.IMPLICIT;
}

/** An encoded message with one more field: their order means nothing. */
function withField(message: Uint8Array, fieldNumber: number, bytes: Uint8Array): Uint8Array {
  const head = new BinaryWriter().tag(fieldNumber, WireType.LengthDelimited).uint32(bytes.length).finish();
  const { buffer } = Buffer.allocUnsafeSlow(message.length + head.length + bytes.length);
  const whole = new Uint8Array(buffer);
  whole.set(message);
  whole.set(head, message.length);
  whole.set(bytes, message.length + head.length);
  return whole;
}
