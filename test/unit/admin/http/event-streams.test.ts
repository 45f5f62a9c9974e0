import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStreams } from "../../../../src/admin/http/event-streams.ts";
import type { EventStream } from "../../../../src/admin/http/exchange.ts";
import { el } from "../../../../src/admin/view/markup.ts";
import type { Parts } from "../../../../src/admin/view/page.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

class Reader implements EventStream {
  queuedBytes = 0;
  readonly written: string[] = [];
  ended = false;

  write(text: string): void {
    this.written.push(text);
  }

  end(): void {
    this.ended = true;
  }

  /** The ids of the parts that it was sent last. */
  get lastParts(): readonly string[] {
    return Object.keys(JSON.parse(/^data: (.*)$/m.exec(this.written.at(-1) ?? "")?.[1] ?? "{}") as object);
  }
}

function streamsOf(read: () => Parts): { clock: ManualClock; streams: EventStreams } {
  const clock = new ManualClock();
  return { clock, streams: new EventStreams({ clock, updateIntervalMs: 1_000, read }) };
}

/** Opens a stream; returns what ends it. */
function open(streams: EventStreams, reader: Reader): () => void {
  const { body } = streams.answer();
  if (typeof body === "string") assert.fail(body);
  return body.start(reader);
}

test("who reads hears all parts first, and then those that changed", async () => {
  let tick = 0;
  const { clock, streams } = streamsOf(() => [
    ["still", el("p", {}, "same")],
    ["moving", el("p", {}, `${tick}`)],
  ]);
  const reader = new Reader();
  open(streams, reader);
  assert.deepEqual(reader.lastParts, ["still", "moving"]);
  tick++;
  await clock.advance(1_000);
  assert.deepEqual(reader.lastParts, ["moving"]);
  const late = new Reader();
  open(streams, late);
  assert.deepEqual(late.lastParts, ["still", "moving"]);
  const { length } = reader.written;
  await clock.advance(1_000);
  assert.equal(reader.written.length, length, "nothing has changed, and nothing is said");
  streams.close();
});

test("without readers there is no timer, and nothing is read", async () => {
  let reads = 0;
  const { clock, streams } = streamsOf(() => {
    reads++;
    return [];
  });
  assert.equal(clock.pending, 0);
  const leave = [open(streams, new Reader()), open(streams, new Reader())];
  assert.equal(clock.pending, 1);
  for (const one of leave) one();
  assert.equal(clock.pending, 0);
  const before = reads;
  await clock.advance(10_000);
  assert.equal(reads, before);
});

test("a ninth reader is refused until one leaves", () => {
  const { streams } = streamsOf(() => []);
  const leave = Array.from({ length: 8 }, () => open(streams, new Reader()));
  assert.equal(streams.answer().status, 503);
  leave[0]?.();
  assert.equal(streams.answer().status, 200);
  streams.close();
});

test("a reader that leaves more than a mebibyte lying is dropped, and the others go on", async () => {
  let tick = 0;
  const { clock, streams } = streamsOf(() => [["moving", el("p", {}, `${tick++}`)]]);
  const [slow, quick] = [new Reader(), new Reader()];
  open(streams, slow);
  open(streams, quick);
  slow.queuedBytes = 1024 * 1024 + 1;
  const { length } = slow.written;
  await clock.advance(1_000);
  assert.deepEqual([slow.ended, slow.written.length], [true, length]);
  assert.equal(quick.ended, false);
  streams.close();
  assert.deepEqual([quick.ended, clock.pending], [true, 0]);
});

test("what peers said cannot begin an event of its own", () => {
  const { streams } = streamsOf(() => [["a", el("p", {}, "x\n\nevent: parts\ndata: {}\n\n")]]);
  const reader = new Reader();
  open(streams, reader);
  assert.equal(reader.written.join("").match(/^data:/gm)?.length, 1);
  streams.close();
});

test("parts that cannot be made end the streams, and not the process", async () => {
  let fails = false;
  const { clock, streams } = streamsOf(() => {
    if (fails) throw new Error("no snapshot");
    return [];
  });
  const reader = new Reader();
  open(streams, reader);
  fails = true;
  await clock.advance(1_000);
  assert.deepEqual([reader.ended, clock.pending], [true, 0]);
});

test("a page that cannot be read takes no place of those that can", () => {
  const { clock, streams } = streamsOf(() => {
    throw new Error("no");
  });
  for (let i = 0; i < 20; i++) assert.throws(() => open(streams, new Reader()), /no/);
  assert.equal(clock.pending, 0);
});
