import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FrameWriter } from "../../../../src/http2/wire/frame-writer.ts";
import { RequestSender } from "../../../../src/http2/wire/request-sender.ts";
import { type StreamConnection, WireStream } from "../../../../src/http2/wire/wire-stream.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { RecordingListener } from "./engine.ts";

/** A peer that does its own account of the windows it gave, and of what comes. */
class Account {
  readonly streams = new Map<number, WireStream>();
  readonly listeners = new Map<number, RecordingListener>();
  readonly sender: RequestSender;
  readonly received = new Map<number, number>();
  readonly ended = new Set<number>();
  connectionWindow = 65_535;
  initialWindow = 65_535;
  readonly streamWindows = new Map<number, number>();
  readonly #writer: FrameWriter;

  constructor() {
    this.#writer = new FrameWriter((pieces) => this.#take(Buffer.concat(pieces)), new ManualClock());
    this.sender = new RequestSender(this.#writer);
  }

  open(id: number): WireStream {
    const listener = new RecordingListener();
    const stream = new WireStream(id, owner, listener, this.sender.initialWindowBytes, 65_535);
    this.streams.set(id, stream);
    this.listeners.set(id, listener);
    this.streamWindows.set(id, this.initialWindow);
    return stream;
  }

  growConnection(bytes: number): void {
    this.connectionWindow += bytes;
    assert.ok(this.sender.growConnection(bytes));
  }

  growStream(id: number, bytes: number): void {
    this.streamWindows.set(id, (this.streamWindows.get(id) as number) + bytes);
    assert.ok(this.sender.growStream(this.streams.get(id) as WireStream, bytes));
  }

  flush(): void {
    this.#writer.flush();
  }

  close(): void {
    this.#writer.close();
  }

  #take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUIntBE(at, 3);
      const id = bytes.readUInt32BE(at + 5);
      assert.ok(length <= this.sender.maxFrameBytes, "no frame is larger than the peer takes");
      this.connectionWindow -= length;
      const window = (this.streamWindows.get(id) as number) - length;
      this.streamWindows.set(id, window);
      if (length > 0) {
        assert.ok(this.connectionWindow >= 0, "the connection's window holds");
        assert.ok(window >= 0, "the stream's window holds");
      }
      assert.ok(!this.ended.has(id), "nothing follows END_STREAM");
      this.received.set(id, (this.received.get(id) ?? 0) + length);
      if (((bytes[at + 4] as number) & 1) !== 0) this.ended.add(id);
      at += 9 + length;
    }
  }
}

const owner: StreamConnection = {
  writeStream: () => true,
  endStream: () => undefined,
  resetStream: () => undefined,
  resumeStream: () => undefined,
};

const operation = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), stream: fc.nat(4), bytes: fc.nat(60_000) }),
  fc.record({ kind: fc.constant("end" as const), stream: fc.nat(4), bytes: fc.nat(3) }),
  fc.record({ kind: fc.constant("grow" as const), stream: fc.nat(4), bytes: fc.integer({ min: 1, max: 50_000 }) }),
  fc.record({ kind: fc.constant("growConnection" as const), bytes: fc.integer({ min: 1, max: 100_000 }) }),
  fc.record({ kind: fc.constant("initial" as const), bytes: fc.nat(100_000) }),
  fc.record({ kind: fc.constant("congest" as const) }),
  fc.record({ kind: fc.constant("relieve" as const) }),
  fc.record({ kind: fc.constant("drop" as const), stream: fc.nat(4) }),
);

describe("RequestSender", () => {
  it("never sends beyond a window, loses nothing, and stalls on nothing but a window, in 100 000 operations", () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 200, maxLength: 200, size: "max" }), (operations) => {
        const peer = new Account();
        const { sender } = peer;
        const sent = new Map<number, number>();
        const ends = new Set<number>();
        const dropped = new Set<number>();
        for (let i = 0; i < 5; i++) peer.open(2 * i + 1);
        for (const step of operations) {
          const id = "stream" in step ? 2 * step.stream + 1 : 0;
          const stream = peer.streams.get(id) as WireStream;
          switch (step.kind) {
            case "write":
            case "end":
              if (ends.has(id) || dropped.has(id)) break;
              sent.set(id, (sent.get(id) ?? 0) + step.bytes);
              if (step.kind === "write") sender.write(stream, Buffer.alloc(step.bytes));
              else sender.end(stream, Buffer.alloc(step.bytes));
              if (step.kind === "end") ends.add(id);
              break;
            case "grow":
              peer.growStream(id, step.bytes);
              break;
            case "growConnection":
              peer.growConnection(step.bytes);
              break;
            case "initial":
              peer.flush();
              for (const [key, window] of peer.streamWindows) {
                peer.streamWindows.set(key, window + step.bytes - peer.initialWindow);
              }
              peer.initialWindow = step.bytes;
              assert.ok(sender.setInitialWindow(step.bytes, peer.streams.values()));
              sender.settingsAcknowledged();
              break;
            case "congest":
              sender.pause();
              break;
            case "relieve":
              sender.resume();
              break;
            case "drop":
              dropped.add(id);
              sender.drop(stream);
              peer.streams.delete(id);
              peer.streams.set(id, stream);
              break;
          }
          peer.flush();
          assert.equal(sender.windowBytes, peer.connectionWindow, "both accounts of the connection agree");
          for (const [key, window] of peer.streamWindows) {
            assert.equal(peer.streams.get(key)?.sendWindowBytes, window, "both accounts of a stream agree");
          }
        }
        sender.resume();
        peer.growConnection(20_000_000);
        for (const id of peer.streams.keys()) peer.growStream(id, 20_000_000);
        peer.flush();
        for (const id of peer.streams.keys()) {
          if (dropped.has(id)) continue;
          assert.equal(peer.received.get(id) ?? 0, sent.get(id) ?? 0, "everything arrived");
          assert.equal(peer.ended.has(id), ends.has(id), "and so did END_STREAM");
        }
        peer.close();
      }),
      { numRuns: 500 },
    );
  });

  it("says when to wait, and when no longer, once", () => {
    const peer = new Account();
    const stream = peer.open(1);
    assert.equal(peer.sender.write(stream, Buffer.alloc(65_535)), true);
    assert.equal(peer.sender.write(stream, Buffer.alloc(65_536)), true);
    assert.equal(peer.sender.write(stream, Buffer.alloc(1)), false);
    peer.growConnection(1_000_000);
    assert.deepEqual(peer.listeners.get(1)?.events, []);
    peer.growStream(1, 1_000_000);
    peer.growStream(1, 1_000_000);
    assert.deepEqual(peer.listeners.get(1)?.events, ["writable"]);
    peer.close();
  });

  it("says so as soon as half of what may wait is left, and not before", () => {
    const peer = new Account();
    const stream = peer.open(1);
    assert.equal(peer.sender.write(stream, Buffer.alloc(65_535 + 65_537)), false);
    peer.growConnection(65_537);
    peer.growStream(1, 32_768);
    assert.deepEqual(peer.listeners.get(1)?.events, []);
    peer.growStream(1, 1);
    assert.deepEqual(peer.listeners.get(1)?.events, ["writable"]);
    peer.close();
  });

  it("lets streams that share the connection's window take turns", () => {
    const peer = new Account();
    const first = peer.open(1);
    const second = peer.open(3);
    peer.sender.write(first, Buffer.alloc(65_535));
    peer.growStream(1, 1_000_000);
    peer.sender.end(first, Buffer.alloc(100_000));
    peer.sender.end(second, Buffer.alloc(60_000));
    peer.flush();
    const before = peer.received.get(1) as number;
    peer.growConnection(65_536);
    peer.flush();
    assert.equal((peer.received.get(1) as number) - before, 32_768);
    assert.equal(peer.received.get(3), 32_768);
    peer.close();
  });

  it("ends a stream without bytes at once, whatever the windows", () => {
    const peer = new Account();
    peer.sender.setInitialWindow(0, []);
    peer.initialWindow = 0;
    const stream = peer.open(1);
    peer.sender.pause();
    peer.sender.end(stream);
    peer.flush();
    assert.ok(peer.ended.has(1));
    peer.close();
  });

  it("refuses windows above 2^31-1", () => {
    const peer = new Account();
    const stream = peer.open(1);
    assert.equal(peer.sender.growConnection(2 ** 31 - 1), false);
    assert.equal(peer.sender.growStream(stream, 2 ** 31 - 1), false);
    peer.sender.growStream(stream, 1);
    assert.equal(peer.sender.setInitialWindow(2 ** 31 - 1, [stream]), false);
    peer.close();
  });
});
