import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { UnreadMemory } from "../../../../src/http2/unread-memory.ts";
import { FrameWriter } from "../../../../src/http2/wire/frame-writer.ts";
import { PendingPings } from "../../../../src/http2/wire/pending-pings.ts";
import { ReceiveWindows } from "../../../../src/http2/wire/receive-windows.ts";
import { receive } from "../../../../src/http2/wire/windows.ts";
import { WireStream } from "../../../../src/http2/wire/wire-stream.ts";
import { ManualClock, SocketsManualClock } from "../../../support/manual-clock.ts";
import { QuietHold } from "../../../support/quiet-hold.ts";
import { constantRandom } from "../../../support/random.ts";
import { RecordingListener, until } from "./engine.ts";
import {
  dataFrame,
  endHeaders,
  endStream,
  frame,
  frameTypes,
  headersFrame,
  okHead,
  okTrailers,
  type SeenFrame,
  settingsAck,
} from "./raw-peer.ts";
import { withScene } from "./wire-peer.ts";

const mebibyte = 2 ** 20;
const much = 65 * mebibyte;
const initialWindowSize = 4;

const noConnection = {
  writeStream: () => true,
  endStream: () => undefined,
  resetStream: () => undefined,
  resumeStream: () => undefined,
};

/** Its timers fire when the test says so, at once. */
class HandClock extends ManualClock {
  #due: (() => void)[] = [];

  override setTimeout(callback: () => void): object {
    this.#due.push(callback);
    return callback;
  }

  fire(): void {
    for (const callback of this.#due.splice(0)) callback();
  }
}

/** Its PINGs are answered when the test says so. */
class HeldPings extends PendingPings {
  #onAnswer: (() => void) | undefined;

  override add(onAnswer: () => void): Uint8Array {
    this.#onAnswer = onAnswer;
    return super.add(onAnswer);
  }

  answer(): void {
    this.#onAnswer?.();
    this.#onAnswer = undefined;
  }
}

/** A peer that keeps to its windows (RFC 9113 §6.9.2), and hears of our frames later than we send them. */
class ModelPeer {
  /** Of the connection, as stream 0, and of each stream. */
  readonly windows = new Map<number, number>([[0, 65_535]]);
  #initial = 65_535;
  #unheard = Buffer.alloc(0);

  sent(bytes: Uint8Array): void {
    this.#unheard = Buffer.concat([this.#unheard, bytes]);
  }

  /** Of the frames that are under way, hears so many. */
  hear(count: number): void {
    for (let i = 0; i < count && this.#unheard.length > 0; i++) {
      const end = 9 + this.#unheard.readUIntBE(0, 3);
      const [type, id] = [this.#unheard[3], this.#unheard.readUInt32BE(5)];
      if (type === frameTypes.settings) this.#resize(this.#unheard.readUInt32BE(11));
      else if (type === frameTypes.windowUpdate) this.#grow(id, this.#unheard.readUInt32BE(9));
      this.#unheard = this.#unheard.subarray(end);
    }
  }

  /** Sends what it may of so many bytes. Returns how many. */
  send(id: number, wish: number): number {
    const sent = Math.max(0, Math.min(wish, this.windows.get(id) as number, this.windows.get(0) as number));
    this.#grow(id, -sent);
    this.#grow(0, -sent);
    return sent;
  }

  open(id: number): void {
    this.windows.set(id, this.#initial);
  }

  #resize(initial: number): void {
    for (const id of this.windows.keys()) if (id > 0) this.#grow(id, initial - this.#initial);
    this.#initial = initial;
  }

  #grow(id: number, bytes: number): void {
    this.windows.set(id, (this.windows.get(id) as number) + bytes);
  }
}

describe("receive windows of a connection", () => {
  it("hold no honest peer guilty and let no stream wait that was read, however often they change", () => {
    const steps = fc.array(
      fc.record({
        stream: fc.nat(3),
        wish: fc.nat(1_500_000),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        heard: fc.nat(6),
        unread: fc.constantFrom("same", "much", "little"),
        answered: fc.boolean(),
      }),
      { minLength: 30, maxLength: 120 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 65_536, max: 2 * mebibyte }), fc.boolean(), steps, (full, windowsGrow, all) => {
        const peer = new ModelPeer();
        const writer = new FrameWriter((pieces) => peer.sent(Buffer.concat(pieces)), new ManualClock());
        const clock = new HandClock();
        const unread = new UnreadMemory(clock);
        const streams = new Map<number, WireStream>();
        const limits = {
          initialWindowBytes: full,
          connectionWindowBytes: 2 ** 23,
          maxHeaderListBytes: 1_024,
          windowsGrow,
        };
        const pings = new HeldPings();
        const windows = new ReceiveWindows({ writer, streams, unread, clock, pings }, limits);
        writer.settings([initialWindowSize, windows.streamBytes]);
        windows.open();
        const held = new Map<number, number>();
        for (const { stream: index, wish, share, heard, unread: change, answered } of all) {
          const id = 2 * index + 1;
          let stream = streams.get(id);
          if (stream === undefined) {
            // A request leaves behind the frames before it: the peer has heard of them when the stream begins.
            stream = new WireStream(id, noConnection, new RecordingListener(), 65_535, windows.fullBytes);
            streams.set(id, stream);
            writer.flush();
            peer.hear(Number.POSITIVE_INFINITY);
            peer.open(id);
          }
          if (change === "much" && unread.bytes === 0) unread.add(much);
          if (change === "little" && unread.bytes > 0) {
            clock.fire();
            unread.remove(much);
          }
          writer.flush();
          peer.hear(heard);
          const sent = peer.send(id, wish);
          assert.equal(receive(stream, sent), true, "an honest peer");
          windows.receivedOnConnection(sent);
          if (answered) pings.answer();
          const waits = (held.get(id) ?? 0) + sent;
          const read = Math.floor(waits * share);
          held.set(id, waits - read);
          windows.readOnStream(stream, read);
        }
        for (const [id, bytes] of held) windows.readOnStream(streams.get(id) as WireStream, bytes);
        writer.flush();
        peer.hear(Number.POSITIVE_INFINITY);
        for (const [id, window] of peer.windows) {
          const most = id === 0 ? windows.connectionBytes : windows.streamBytes;
          assert.ok(window > 0 && window * 2 >= Math.min(65_535, most), `${window} left`);
          assert.ok(window <= most, `${window} of ${most}`);
        }
        if (windowsGrow) assert.equal(windows.connectionBytes, windows.fullBytes);
      }),
      { numRuns: 300 },
    );
  });

  it("that grow allow all streams of a connection 64 MiB together, and a stream its own again when others have ended", () => {
    const writer = new FrameWriter(() => undefined, new ManualClock());
    const clock = new HandClock();
    const streams = new Map<number, WireStream>();
    const limits = {
      initialWindowBytes: 65_536,
      connectionWindowBytes: 16 * mebibyte,
      maxHeaderListBytes: 1_024,
      windowsGrow: true,
    };
    const pings = new HeldPings();
    const windows = new ReceiveWindows({ writer, streams, unread: new UnreadMemory(clock), clock, pings }, limits);
    const open = (count: number) => {
      streams.clear();
      for (let id = 1; id < 2 * count; id += 2) {
        streams.set(id, new WireStream(id, noConnection, new RecordingListener(), 65_535, windows.fullBytes));
        windows.opened();
      }
    };
    const readMuch = () => {
      windows.receivedOnConnection(16 * mebibyte);
      windows.readOnStream(streams.get(1) as WireStream, 32 * mebibyte);
      pings.answer();
      writer.flush();
    };
    open(32);
    readMuch();
    assert.equal(windows.fullBytes, 16 * mebibyte);
    assert.equal(windows.streamBytes, 2 * mebibyte);
    open(200);
    assert.equal(windows.streamBytes, mebibyte / 2, "since there were 128");
    open(1);
    readMuch();
    assert.equal(windows.streamBytes, 16 * mebibyte);
    open(5_000);
    assert.equal(windows.streamBytes, 65_535, "never less than without growth");
  });

  it("become small for every stream once much is unread, and full again when it was read", async () => {
    const clock = new ManualClock();
    const unread = new UnreadMemory(clock);
    await withScene(
      async ({ peer, first, second }) => {
        const sizes = () =>
          peer.frames.filter(({ type, flags }) => type === frameTypes.settings && flags === 0).map(windowSize);
        // Less than a quarter of its window, which is not given back as long as that is large.
        peer.send(headersFrame(1, okHead), dataFrame(1, Buffer.alloc(16_000)), dataFrame(1, Buffer.alloc(16_000)));
        peer.send(dataFrame(1, Buffer.alloc(16_000)));
        await until(() => first.body.length === 48_000, "the data");
        unread.add(much);
        const update = await peer.frame(frameTypes.windowUpdate, 1);
        assert.equal(update.payload.readUInt32BE(0), 48_000);
        assert.deepEqual(sizes(), [mebibyte, 65_536]);
        // What was allowed before it heard of that is no fault.
        peer.send(headersFrame(3, okHead));
        for (let i = 0; i < 64; i++) peer.send(dataFrame(3, Buffer.alloc(16_384)));
        peer.send(headersFrame(3, okTrailers, endHeaders | endStream), settingsAck());
        assert.equal(await second.closed, undefined);
        assert.equal(second.body.length, mebibyte);
        await clock.advance(1_000);
        unread.remove(much);
        peer.send(headersFrame(1, okTrailers, endHeaders | endStream));
        assert.equal(await first.closed, undefined);
        await peer.matching((frame) => windowSize(frame) === mebibyte && peer.frames.indexOf(frame) > 1);
        assert.deepEqual(sizes(), [mebibyte, 65_536, mebibyte]);
      },
      {},
      { unread },
    );
  });

  it("grow by the answer to a PING that follows data, for the connection and for each stream", async () => {
    const clock = new SocketsManualClock();
    const runtime = { clock, random: constantRandom(), hold: new QuietHold() };
    await withScene(
      async ({ peer, connection, first }) => {
        peer.send(headersFrame(1, okHead), dataFrame(1, Buffer.alloc(16_384)));
        const { payload } = await peer.frame(frameTypes.ping);
        assert.equal(connection.ownPings, 1);
        for (let i = 0; i < 3; i++) peer.send(dataFrame(1, Buffer.alloc(16_000)));
        await until(() => first.body.length === 64_384, "the data");
        clock.stall(5);
        peer.send(frame(frameTypes.ping, 1, 0, payload));
        // As far as 48 000 bytes in 5 ms would need it, were the way 10 ms long.
        const grown = await peer.matching((seen) => (windowSize(seen) ?? 0) > 65_535);
        assert.equal(windowSize(grown), 192_000);
        await until(() => credit(peer.frames, 0) === 192_000 - 65_535 + 16_384 + 32_000, "the connection's credit");
        peer.send(headersFrame(1, okTrailers, endHeaders | endStream));
        assert.equal(await first.closed, undefined);
      },
      { windowsGrow: true, connectionWindowBytes: 2 ** 24 },
      { runtime },
    );
  });
});

function windowSize({ type, payload }: { readonly type: number; readonly payload: Buffer }): number | undefined {
  if (type !== frameTypes.settings) return undefined;
  for (let at = 0; at < payload.length; at += 6) {
    if (payload.readUInt16BE(at) === initialWindowSize) return payload.readUInt32BE(at + 2);
  }
  return undefined;
}

function credit(frames: readonly SeenFrame[], id: number): number {
  const updates = frames.filter(({ type, streamId }) => type === frameTypes.windowUpdate && streamId === id);
  return updates.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
}
