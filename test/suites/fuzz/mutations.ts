import {
  block,
  dataFrame,
  frame,
  frameTypes,
  headersFrame,
  rstFrame,
  settingsFrame,
  windowUpdateFrame,
} from "../../unit/http2/wire/raw-peer.ts";
import type { Chance } from "./chance.ts";
import type { Item } from "./conversation.ts";

type Mutation = (chance: Chance, items: Item[], at: number) => void;

/** Changes items in one to four places, in ways that a broken or hostile server would. */
export function mutate(chance: Chance, items: readonly Item[]): Item[] {
  const mutated = [...items];
  for (let left = chance.pick([1, 1, 1, 2, 4]); left > 0; left--) {
    if (mutated.length === 0) mutated.push({ bytes: strange(chance) });
    chance.pick(mutations)(chance, mutated, chance.int(0, mutated.length - 1));
  }
  return mutated;
}

const mutations: readonly Mutation[] = [
  function drop(_, items, at) {
    items.splice(at, 1);
  },
  function duplicate(_, items, at) {
    items.splice(at, 0, items[at] as Item);
  },
  function repeatLater(chance, items, at) {
    items.splice(chance.int(at, items.length), 0, items[at] as Item);
  },
  function swap(chance, items, at) {
    const other = chance.int(0, items.length - 1);
    [items[at], items[other]] = [items[other] as Item, items[at] as Item];
  },
  bytesMutation(function flipBitInHeader(chance, bytes) {
    flip(chance, bytes, chance.int(0, Math.min(8, bytes.length - 1)));
  }),
  bytesMutation(function flipBit(chance, bytes) {
    flip(chance, bytes, chance.int(0, bytes.length - 1));
  }),
  bytesMutation(function flipBitInPayload(chance, bytes) {
    if (bytes.length > 9) flip(chance, bytes, chance.int(9, bytes.length - 1));
  }),
  bytesMutation(function changeLength(chance, bytes) {
    if (bytes.length < 9) return;
    const length = bytes.length - 9;
    bytes.writeUIntBE(
      chance.pick([0, Math.max(0, length - 1), length + 1, length + 9, 16_384, 16_385, 2 ** 24 - 1]),
      0,
      3,
    );
  }),
  bytesMutation(function changeStream(chance, bytes) {
    if (bytes.length >= 9) bytes.writeUInt32BE(chance.pick([0, 1, 2, 3, 5, 7, 9, 101, 2 ** 31 - 1, 2 ** 31 + 1]), 5);
  }),
  bytesMutation(function changeFlags(chance, bytes) {
    if (bytes.length >= 9) bytes[4] = chance.pick([0, 1, 4, 5, 8, 9, 0x0d, 0x20, 0x25, 0x2d, 0xff]);
  }),
  bytesMutation(function changeType(chance, bytes) {
    if (bytes.length >= 9) bytes[3] = chance.int(0, 11);
  }),
  /** The frame shortened, its length as well: as a server that counted wrong would write it. */
  function shorten(chance, items, at) {
    const item = items[at] as Item;
    if (!("bytes" in item) || item.bytes.length <= 9) return;
    const bytes = Buffer.from(item.bytes.subarray(0, chance.int(9, item.bytes.length - 1)));
    bytes.writeUIntBE(bytes.length - 9, 0, 3);
    items[at] = { bytes };
  },
  function truncate(chance, items, at) {
    const item = items[at] as Item;
    if ("bytes" in item) items[at] = { bytes: item.bytes.subarray(0, chance.int(0, item.bytes.length - 1)) };
    items.splice(at + 1, items.length, { step: { server: chance.pick(["fin", "rst"]) } });
  },
  function garbage(chance, items, at) {
    items.splice(at, 0, { bytes: chance.bytes(chance.int(1, 40)) });
  },
  function insertStrange(chance, items, at) {
    items.splice(at, 0, { bytes: strange(chance) });
  },
  function insertStrangeToo(chance, items, at) {
    items.splice(at, 0, { bytes: strange(chance) });
  },
];

function bytesMutation(change: (chance: Chance, bytes: Buffer) => void): Mutation {
  return (chance, items, at) => {
    const item = items[at] as Item;
    if (!("bytes" in item) || item.bytes.length === 0) return;
    const bytes = Buffer.from(item.bytes);
    change(chance, bytes);
    items[at] = { bytes };
  };
}

function flip(chance: Chance, bytes: Buffer, at: number): void {
  bytes[at] = (bytes[at] as number) ^ (1 << chance.int(0, 7));
}

/** A frame that is well formed and out of place, or nearly well formed. */
function strange(chance: Chance): Buffer {
  const id = chance.pick([0, 1, 1, 1, 3, 3, 5, 2, 9, 2 ** 31 - 1]);
  const flags = chance.pick([0, 1, 4, 5]);
  return chance.pick<() => Buffer>([
    () => headersFrame(id, block(...chance.pick(strangeFields)), flags),
    () => headersFrame(id, block(...chance.pick(strangeFields)), flags | 4),
    () => headersFrame(id, chance.bytes(chance.int(0, 12)), flags | 4),
    () => frame(frameTypes.continuation, flags, id, block("x-more", "1")),
    () => dataFrame(id, Buffer.alloc(chance.pick([0, 1, 10, 16_384])), flags & 1),
    () => Buffer.concat(Array.from({ length: 5 }, () => dataFrame(id, Buffer.alloc(16_384)))),
    () =>
      frame(frameTypes.data, 8 | (flags & 1), id, Buffer.from([chance.int(0, 12), ...Buffer.alloc(chance.int(0, 10))])),
    () => rstFrame(id, chance.pick([0, 1, 7, 8, 11, 2 ** 32 - 1])),
    () => rstFrame(id, 0),
    () => windowUpdateFrame(id, chance.pick([0, 1, 2 ** 31 - 1])),
    () => settingsFrame([chance.int(0, 9), chance.pick([0, 1, 2, 16_383, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])]),
    () => frame(frameTypes.settings, chance.int(0, 1), id, Buffer.alloc(chance.int(0, 13))),
    () => frame(frameTypes.ping, chance.int(0, 1), id, Buffer.alloc(chance.pick([8, 8, 7, 9]))),
    () => frame(frameTypes.goaway, 0, chance.pick([0, 0, 0, 1]), chance.bytes(chance.pick([8, 8, 20, 7]))),
    () => frame(frameTypes.pushPromise, 4, id, Buffer.from([0, 0, 0, 2])),
    () => frame(frameTypes.priority, 0, id, Buffer.alloc(chance.pick([5, 5, 4]))),
    () => frame(chance.int(10, 255), flags, id, chance.bytes(chance.int(0, 20))),
  ])();
}

const strangeFields: readonly string[][] = [
  [":status", "200"],
  [":status", "200", "content-length", "3"],
  [":status", "200", "content-length", "-1"],
  [":status", "200", "content-length", "1", "content-length", "2"],
  [":status", "100"],
  [":status", "101"],
  [":status", "204"],
  [":status", "304", "content-length", "10"],
  [":status", "99"],
  [":status", "2000"],
  [":status", "+20"],
  [":status", ""],
  ["x-before", "1", ":status", "200"],
  [":status", "200", ":status", "200"],
  [":status", "200", ":path", "/"],
  [":status", "200", "X-Upper", "1"],
  [":status", "200", "x y", "1"],
  [":status", "200", "", "1"],
  [":status", "200", "x-nul", "a\0b"],
  [":status", "200", "x-line", "a\r\nb"],
  [":status", "200", "x-control", "a\x01b"],
  [":status", "200", "x-space", " padded "],
  [":status", "200", "connection", "close"],
  [":status", "200", "transfer-encoding", "chunked"],
  [":status", "200", "te", "gzip"],
  [":status", "200", "te", "trailers"],
  [":status", "200", "__proto__", "1", "constructor", "2"],
  [":status", "200", "x-huge", "v".repeat(15_000)],
  ["grpc-status", "0"],
  ["grpc-status", "0", ":status", "200"],
];
