import assert from "node:assert/strict";
import { test } from "node:test";
import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { UnaryRequestSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { binaryEncoder } from "../../../src/transport/large-bytes.ts";

const large = new Uint8Array(70_000).map((_, i) => i & 0xff);

/** Encodes and decodes, and returns both beside what protobuf-es makes of the message. */
function coded<Desc extends DescMessage>(desc: Desc, init: MessageInitShape<Desc>) {
  const message = create(desc, init);
  const encoded = binaryEncoder(desc, undefined)(message);
  const usual = toBinary(desc, message);
  return { message, encoded, usual, decoded: fromBinary(desc, encoded) };
}

test("a message with large bytes is decoded to what it was, and takes as many bytes as ever", () => {
  const init = { text: "text", payload: large, behavior: { delayMs: 7 } };
  const { message, encoded, usual, decoded } = coded(UnaryRequestSchema, init);
  assert.deepEqual(decoded, message);
  assert.equal(encoded.length, usual.length);
  // No memory but its own: it lies there for as long as an attempt may need it.
  assert.equal(encoded.buffer.byteLength, encoded.length);
  assert.equal(Object.getPrototypeOf(encoded), Uint8Array.prototype);
});

test("the caller's message and its bytes stay as they are, and may change once it is encoded", () => {
  const message = create(UnaryRequestSchema, { text: "text", payload: Uint8Array.from(large) });
  const encoded = binaryEncoder(UnaryRequestSchema, undefined)(message);
  assert.deepEqual(message.payload, large);
  message.payload.fill(0);
  assert.deepEqual(fromBinary(UnaryRequestSchema, encoded).payload, large);
});

test("other messages are encoded by protobuf-es alone", () => {
  for (const init of [{}, { text: "text" }, { payload: large.subarray(0, 16_384) }]) {
    const { encoded, usual } = coded(UnaryRequestSchema, init);
    assert.deepEqual(encoded, usual);
  }
});

test("unknown fields go along, or not, as the options say", () => {
  const message = create(UnaryRequestSchema, { payload: large });
  message.$unknown = [{ no: 100, wireType: 2, data: Uint8Array.of(2, 8, 9) }];
  const kept = fromBinary(UnaryRequestSchema, binaryEncoder(UnaryRequestSchema, undefined)(message));
  assert.deepEqual(kept.$unknown, message.$unknown);
  const without = binaryEncoder(UnaryRequestSchema, { writeUnknownFields: false })(message);
  assert.equal(fromBinary(UnaryRequestSchema, without).$unknown, undefined);
});

test("large bytes in every other place are encoded as ever: with presence, in a oneof, in a list, one of several", () => {
  const desc = everyPlace();
  for (const init of [
    { optional: large },
    { choice: { case: "chosen", value: large } },
    { list: [large, large] },
    { plain: large, other: large, optional: large, list: [large] },
  ] as MessageInitShape<DescMessage>[]) {
    const { message, encoded, usual, decoded } = coded(desc, init);
    assert.deepEqual(decoded, message as Message);
    assert.equal(encoded.length, usual.length);
  }
});

function everyPlace(): DescMessage {
  const field = (number: number, name: string) => ({ number, name, type: Type.BYTES, label: Label.OPTIONAL });
  const registry = createFileRegistry(
    create(FileDescriptorProtoSchema, {
      name: "places.proto",
      package: "places",
      syntax: "proto3",
      messageType: [
        {
          name: "Places",
          field: [
            field(1, "plain"),
            field(2, "other"),
            { ...field(3, "optional"), proto3Optional: true, oneofIndex: 1 },
            { ...field(4, "chosen"), oneofIndex: 0 },
            { ...field(2_000, "list"), label: Label.REPEATED },
          ],
          oneofDecl: [{ name: "choice" }, { name: "_optional" }],
        },
      ],
    }),
    () => undefined,
  );
  return registry.getMessage("places.Places") as DescMessage;
}
