import {
  dataFrame,
  endHeaders,
  endStream,
  frame,
  frameTypes,
  goawayFrame,
  padded,
  paddedDataFrame,
  rstFrame,
  settingsAck,
  settingsFrame,
  uint32,
  windowUpdateFrame,
} from "../../unit/http2/wire/raw-peer.ts";
import type { Chance } from "./chance.ts";
import type { CallPlan, Step } from "./fuzz-case.ts";
import { HeaderBlocks } from "./header-blocks.ts";

/** What the server or the client does next, before it is cut into steps. */
export type Item = { readonly bytes: Buffer } | { readonly step: Step };

export interface Conversation {
  readonly opening: Buffer[];
  readonly calls: CallPlan[];
  readonly items: Item[];
}

/** Frames that belong together: made when their turn has come, because header blocks depend on those before. */
type Turn = () => Buffer[];

const priorityFlag = 0x20;
const headersWithTable = [
  "content-type",
  "application/grpc",
  "server",
  "nginx",
  "date",
  "Sun, 22 Nov 2026 20:00:00 GMT",
];

/**
 * What a server may answer to a few calls without breaking a rule of HTTP/2: every form of response, the control
 * frames in between, and what the client does meanwhile.
 */
export function validConversation(chance: Chance): Conversation {
  const calls = Array.from({ length: chance.int(1, 4) }, () => callPlan(chance));
  const blocks = new HeaderBlocks(chance);
  const responses = calls.map((_, i) => response(chance, blocks, i * 2 + 1));
  const control = Array.from({ length: chance.int(0, 4) }, () => controlTurn(chance));
  const turns = interleave<Turn | Step>(chance, [...responses, control, clientSteps(chance, calls.length)]);
  const goaway = chance.is(0.2) ? goawayTurns(chance, calls.length) : [];
  // A GOAWAY with an error is the last word; a graceful one is not.
  const at = chance.int(0, turns.length);
  turns.splice(at, 0, ...goaway);
  const end = chance.int(0, 9);
  if (end < 2) turns.splice(chance.is(0.5) ? turns.length : chance.int(0, turns.length), 0, { server: "fin" });
  else if (end === 2) turns.push({ server: "rst" });
  const settings = [
    ...(chance.is(0.3) ? [3, chance.pick([calls.length, calls.length + 1, 100])] : []),
    ...peerSettings(chance),
  ];
  return {
    opening: [settingsFrame(settings), ...(chance.is(0.9) ? [settingsAck()] : [])],
    calls,
    items: turns.flatMap((turn): Item[] =>
      typeof turn === "function" ? turn().map((bytes) => ({ bytes })) : [{ step: turn }],
    ),
  };
}

function callPlan(chance: Chance): CallPlan {
  return { bodyBytes: chance.pick([0, 5, 5, 5, 1_000, 40_000, 100_000]), ends: chance.is(0.75) };
}

function response(chance: Chance, blocks: HeaderBlocks, id: number): Turn[] {
  const turns: Turn[] = [];
  const form = chance.int(0, 19);
  const dataCount = chance.pick([0, 1, 1, 2, 5]);
  const sizes = Array.from({ length: dataCount }, () => chance.pick([0, 1, 4, 5, 5, 100, 2_000, 10_000]));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const length = form > 4 && chance.is(0.1) ? ["content-length", String(total)] : [];
  const head = () => [":status", chance.pick(["200", "200", "200", "404", "503"]), ...someFields(chance), ...length];
  const trailers = () => ["grpc-status", chance.pick(["0", "14"]), ...(chance.is(0.3) ? ["x-t", "v"] : [])];
  while (chance.is(0.1))
    turns.push(() => headers(chance, id, blocks.encode(":status", chance.pick(["100", "103"])), 0));
  if (form === 0) return [];
  if (form === 1) return [...turns, () => [rstFrame(id, chance.pick([0, 1, 2, 5, 7, 7, 8, 11, 12, 99]))]];
  if (form <= 3) return [...turns, () => headers(chance, id, blocks.encode(...head(), ...trailers()), endStream)];
  turns.push(() => headers(chance, id, blocks.encode(...head()), 0));
  // Every fourth without trailers: its last DATA ends the stream.
  const byData = form % 4 === 0 && dataCount > 0;
  for (const [i, size] of sizes.entries()) {
    turns.push(() => [data(chance, id, size, byData && i === dataCount - 1 ? endStream : 0)]);
  }
  if (form === 4) turns.push(() => [rstFrame(id, chance.pick([0, 2, 7, 8, 11]))]);
  else if (form === 5) turns.pop();
  else if (!byData) turns.push(() => headers(chance, id, blocks.encode(...trailers()), endStream));
  if (form === 6) turns.push(() => [rstFrame(id, 0)]);
  return turns;
}

function someFields(chance: Chance): string[] {
  const fields = headersWithTable.slice(0, chance.int(0, 3) * 2);
  if (chance.is(0.2)) fields.push("x-latin", "caf\xe9");
  if (chance.is(0.2)) fields.push("x-twice", "a", "x-twice", "b");
  if (chance.is(0.1)) fields.push("x-long", "v".repeat(chance.int(100, 5_000)));
  if (chance.is(0.1)) fields.push("x-empty", "");
  return fields;
}

/** HEADERS, with padding, priority and CONTINUATION as chance has it. */
function headers(chance: Chance, id: number, block: Buffer, flags: number): Buffer[] {
  const pieces = chance.is(0.15) && block.length > 1 ? cut(chance, block, chance.int(2, 4)) : [block];
  const [first = block, ...rest] = pieces;
  const padding = chance.is(0.15) ? chance.int(0, 20) : undefined;
  const priority = chance.is(0.1) ? Buffer.concat([uint32(0), Buffer.from([16])]) : Buffer.alloc(0);
  const payload =
    padding === undefined
      ? Buffer.concat([priority, first])
      : Buffer.concat([Buffer.from([padding]), priority, first, Buffer.alloc(padding)]);
  const all =
    flags |
    (padding === undefined ? 0 : padded) |
    (priority.length > 0 ? priorityFlag : 0) |
    (rest.length === 0 ? endHeaders : 0);
  return [
    frame(frameTypes.headers, all, id, payload),
    ...rest.map((piece, i) => frame(frameTypes.continuation, i === rest.length - 1 ? endHeaders : 0, id, piece)),
  ];
}

function data(chance: Chance, id: number, size: number, flags: number): Buffer {
  const bytes = Buffer.alloc(size, chance.int(0, 255));
  return chance.is(0.2) ? paddedDataFrame(id, bytes, chance.int(0, 30), flags) : dataFrame(id, bytes, flags);
}

function controlTurn(chance: Chance): Turn {
  return chance.pick<Turn>([
    () => [settingsFrame([...(chance.is(0.3) ? [3, chance.int(0, 5)] : []), ...peerSettings(chance)])],
    () => [frame(frameTypes.ping, 0, 0, chance.bytes(8))],
    () => [frame(frameTypes.ping, 0, 0, chance.bytes(8))],
    () => [windowUpdateFrame(0, chance.pick([1, 65_535, 1_000_000]))],
    () => [windowUpdateFrame(0, chance.pick([1, 65_535, 1_000_000])), windowUpdateFrame(1, chance.int(1, 100_000))],
    () => [windowUpdateFrame(1, chance.int(1, 100_000))],
    () => [frame(frameTypes.priority, 0, 1, Buffer.concat([uint32(0), Buffer.from([1])]))],
    () => [frame(chance.int(0x20, 0xff), chance.int(0, 255), chance.int(0, 1), chance.bytes(chance.int(0, 30)))],
  ]);
}

/** Header table size, initial window, frame size, header list size, an unknown one. */
function peerSettings(chance: Chance): number[] {
  return [
    ...(chance.is(0.2) ? [1, chance.pick([0, 100, 4_096, 65_536])] : []),
    ...(chance.is(0.3) ? [4, chance.pick([0, 5, 1_000, 65_535, 1_000_000])] : []),
    ...(chance.is(0.2) ? [5, chance.pick([16_384, 20_000, 16_777_215])] : []),
    ...(chance.is(0.05) ? [6, chance.pick([100_000, 16_777_216])] : []),
    ...(chance.is(0.1) ? [0x4a4a, chance.int(0, 1_000)] : []),
  ];
}

function goawayTurns(chance: Chance, calls: number): Turn[] {
  const last = chance.int(0, calls) * 2 - 1;
  const lastStreamId = Math.max(0, last);
  const debug = chance.is(0.3) ? "going away" : "";
  return chance.pick<Turn[]>([
    [() => [goawayFrame(lastStreamId, 0, debug)]],
    [() => [goawayFrame(2 ** 31 - 1, 0, debug)], () => [goawayFrame(lastStreamId, 0, debug)]],
    [() => [goawayFrame(lastStreamId, chance.pick([1, 2, 11]), debug)]],
  ]);
}

function clientSteps(chance: Chance, calls: number): Step[] {
  const call = () => chance.int(0, calls - 1);
  return Array.from({ length: chance.pick([0, 0, 1, 2, 4]) }, () =>
    chance.pick<() => Step>([
      () => ({ client: "reset", call: call() }),
      () => ({ client: "pause", call: call() }),
      () => ({ client: "pause", call: call() }),
      () => ({ client: "resume", call: call() }),
      () => ({ client: "write", call: call(), bytes: chance.pick([1, 1_000, 70_000]) }),
      () => ({ client: "end", call: call() }),
      () => ({ client: "ping" }),
      () => ({ client: "open", plan: callPlan(chance) }),
      () => ({ client: chance.pick(["drain", "ping"] as const) }),
    ])(),
  );
}

/** Merges sequences, each in its own order. */
function interleave<T>(chance: Chance, sequences: readonly (readonly T[])[]): T[] {
  const rest = sequences.map((sequence) => [...sequence]).filter((sequence) => sequence.length > 0);
  const merged: T[] = [];
  while (rest.length > 0) {
    const at = chance.int(0, rest.length - 1);
    const sequence = rest[at] as T[];
    merged.push(sequence.shift() as T);
    if (sequence.length === 0) rest.splice(at, 1);
  }
  return merged;
}

/** Cuts bytes into about `count` pieces, none of them empty. */
export function cut(chance: Chance, bytes: Buffer, count: number): Buffer[] {
  const places = new Set<number>();
  for (let i = 1; i < count && bytes.length > 1; i++) places.add(chance.int(1, bytes.length - 1));
  const sorted = [0, ...[...places].sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i] as number, end));
}
