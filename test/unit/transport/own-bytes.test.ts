import assert from "node:assert/strict";
import { test } from "node:test";
import {
  create,
  createFileRegistry,
  type DescMessage,
  equals,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_struct,
  file_google_protobuf_wrappers,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { isShared, OwnBytes } from "../../../src/transport/own-bytes.ts";

/** A message with bytes in every place a message can have them, and one that knows none of its fields. */
const { everything, blank } = schemas();

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));

const full: Record<string, unknown> = {
  one: bytes("one"),
  many: [bytes("many"), bytes(""), bytes("more")],
  named: { a: bytes("named"), __proto__x: bytes("other") },
  choice: { case: "chosen", value: bytes("chosen") },
  wrapped: bytes("wrapped"),
  json: { $typeName: "google.protobuf.Struct", fields: { a: null } },
  any: { typeUrl: "type.googleapis.com/x", value: bytes("any") },
  text: "text",
};

const nested: Record<string, unknown> = {
  choice: { case: "inner", value: { one: bytes("inner"), each: [full] } },
  each: [full, {}, { named: { b: bytes("deep") } }],
  children: { 1: full, 2: {} },
};

for (const [what, init] of Object.entries({ full, nested, empty: {} })) {
  test(`no bytes of a message share its memory with others, wherever they are: ${what}`, () => {
    const { message, slab } = decodeInSlab(everything, encode(init));
    const buffers = buffersIn(message);
    if (what !== "empty") assert.ok(buffers.size > 0);
    assert.ok(!buffers.has(slab));
    slab && new Uint8Array(slab).fill(0xff);
    assert.ok(equals(everything, message, fromBinary(everything, encode(init))));
  });
}

test("all bytes of a message are in one copy of it, so that many fields cost one", () => {
  const { message } = decodeInSlab(everything, encode(full));
  const [copy, ...others] = [...buffersIn(message)].filter(({ byteLength }) => byteLength > 0);
  assert.equal(copy?.byteLength, encode(full).length);
  assert.deepEqual(others, []);
});

test("fields that the schema does not know share no memory, however deep", () => {
  for (const init of [full, nested]) {
    const { message, slab } = decodeInSlab(blank, encode(init));
    assert.ok((message.$unknown?.length ?? 0) > 0);
    assert.ok(!buffersIn(message).has(slab));
    assert.deepEqual(toBinary(blank, message), encode(init));
  }
});

test("a message that has its memory for itself keeps its bytes where they are, small or large", () => {
  for (const size of [10, 10_000]) {
    const payload = new Uint8Array(encode({ one: new Uint8Array(size).fill(7) }));
    const message = fromBinary(everything, payload);
    new OwnBytes().giverOf(everything)(message, payload);
    assert.ok(buffersIn(message).has(payload.buffer));
    assert.ok(equals(everything, message, fromBinary(everything, payload)));
  }
});

test("a message that has its memory for itself is known as such", () => {
  assert.ok(!isShared(new Uint8Array(10)));
  assert.ok(!isShared(new Uint8Array(0)));
  assert.ok(isShared(new Uint8Array(10).subarray(1)));
});

test("a large message may have a byte to spare, and not as much as it is itself", () => {
  assert.ok(!isShared(new Uint8Array(4_001).subarray(0, 4_000)));
  assert.ok(isShared(new Uint8Array(8_000).subarray(0, 4_000)));
});

function encode(init: Record<string, unknown>): Uint8Array {
  return toBinary(everything, create(everything, init as MessageInitShape<DescMessage>));
}

/** Reads a message from the middle of memory that is not its own, and gives it its bytes. */
function decodeInSlab(desc: DescMessage, encoded: Uint8Array): { message: Message; slab: ArrayBufferLike } {
  const slab = new ArrayBuffer(16_384);
  const payload = new Uint8Array(slab, 100, encoded.length);
  payload.set(encoded);
  const message = fromBinary(desc, payload);
  if (encoded.length > 0) assert.ok(buffersIn(message).has(slab), "a decoder makes views");
  new OwnBytes().giverOf(desc)(message, payload);
  return { message, slab };
}

/** The memory of all bytes within a value. */
function buffersIn(value: unknown, found = new Set<ArrayBufferLike>()): Set<ArrayBufferLike> {
  if (value instanceof Uint8Array) found.add(value.buffer);
  else if (typeof value === "object" && value !== null)
    for (const inner of Object.values(value)) buffersIn(inner, found);
  return found;
}

function schemas(): { everything: DescMessage; blank: DescMessage } {
  const own = ".test.Everything";
  const entry = (name: string, key: Type, value: object) => ({
    name,
    options: { mapEntry: true },
    field: [
      { name: "key", number: 1, type: key, label: Label.OPTIONAL },
      { name: "value", number: 2, label: Label.OPTIONAL, ...value },
    ],
  });
  const optional = { label: Label.OPTIONAL };
  const repeated = { label: Label.REPEATED };
  const message = { type: Type.MESSAGE };
  const file = create(FileDescriptorProtoSchema, {
    name: "test.proto",
    package: "test",
    syntax: "proto3",
    dependency: ["google/protobuf/any.proto", "google/protobuf/struct.proto", "google/protobuf/wrappers.proto"],
    messageType: [
      { name: "Blank" },
      {
        name: "Everything",
        oneofDecl: [{ name: "choice" }],
        nestedType: [
          entry("NamedEntry", Type.STRING, { type: Type.BYTES }),
          entry("ChildrenEntry", Type.INT32, { ...message, typeName: own }),
        ],
        field: [
          { name: "one", number: 1, type: Type.BYTES, ...optional },
          { name: "many", number: 2, type: Type.BYTES, ...repeated },
          { name: "named", number: 3, ...message, typeName: `${own}.NamedEntry`, ...repeated },
          { name: "chosen", number: 4, type: Type.BYTES, oneofIndex: 0, ...optional },
          { name: "inner", number: 5, ...message, typeName: own, oneofIndex: 0, ...optional },
          { name: "each", number: 6, ...message, typeName: own, ...repeated },
          { name: "children", number: 7, ...message, typeName: `${own}.ChildrenEntry`, ...repeated },
          { name: "wrapped", number: 8, ...message, typeName: ".google.protobuf.BytesValue", ...optional },
          { name: "json", number: 9, ...message, typeName: ".google.protobuf.Struct", ...optional },
          { name: "any", number: 10, ...message, typeName: ".google.protobuf.Any", ...optional },
          { name: "text", number: 11, type: Type.STRING, ...optional },
        ],
      },
    ],
  });
  const known = [file_google_protobuf_any, file_google_protobuf_struct, file_google_protobuf_wrappers];
  const registry = createFileRegistry(file, (name) => known.find((one) => `${one.name}.proto` === name)?.proto);
  return {
    everything: registry.getMessage("test.Everything") as DescMessage,
    blank: registry.getMessage("test.Blank") as DescMessage,
  };
}
