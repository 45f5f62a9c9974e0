// Whatever a peer and its client do to a connection, in whatever order: its life goes forward by the diagram in lifecycle.ts,
// and everybody hears of its end once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { connectionFailure, type Failure } from "../../../../src/base/errors.ts";
import type { ConnectionListener } from "../../../../src/http2/connection.ts";
import type { Handshake } from "../../../../src/http2/dial/dial.ts";
import { Lifecycle, type LifecycleParts } from "../../../../src/http2/wire/lifecycle.ts";
import { WireStream } from "../../../../src/http2/wire/wire-stream.ts";
import { deafListener } from "../../../support/fake-connector.ts";
import { settle } from "../../../support/manual-clock.ts";

const happenings = ["SETTINGS", "a request", "a response", "a flush", "drain", "close"] as const;
const ends = ["a GOAWAY", "a GOAWAY with an error", "a breach", "a loss"] as const;
type Happening = (typeof happenings)[number] | (typeof ends)[number];

const maxStreams = 3;

class World {
  readonly told: string[] = [];
  /** By stream id, what each was told of its end. */
  readonly ends = new Map<number, (Failure | undefined)[]>();
  readonly lifecycle: Lifecycle;
  lastStreamId = Number.POSITIVE_INFINITY;
  #batch = 1;
  /** The state as far as it can be seen: it grows. */
  #phase = 0;

  constructor() {
    const listener: ConnectionListener = {
      onDraining: (goaway) => this.told.push(goaway === undefined ? "retires" : "goes"),
      onCapacity: () => assert.ok(!this.told.includes("closed"), "no room is offered on what is closed"),
      onClosed: () => {
        assert.equal(this.lifecycle.streams.size, 0, "streams hear of the end first");
        this.told.push("closed");
      },
    };
    const world = this;
    const ignore = () => undefined;
    const handshake = {
      address: "10.0.0.1:1",
      succeed: () => {
        this.told.push("connected");
        return true;
      },
      fail: () => this.told.push("failed"),
    } as unknown as Handshake;
    this.lifecycle = new Lifecycle(handshake, {
      connection: { listener },
      socket: {
        destroy: () => this.told.push("socket ended"),
        end: () => this.told.push("socket ended"),
        whenClosed: (then: () => void) => setImmediate(then),
      },
      writer: {
        get batch() {
          return world.#batch;
        },
        withdrawAbove: () => 0,
        discard: ignore,
        goaway: ignore,
        flush: ignore,
        close: ignore,
      },
      sender: { drop: ignore, growConnection: ignore },
      unread: { remove: ignore },
      stopReading: ignore,
      maxStreams,
    } as unknown as LifecycleParts);
  }

  async happen(what: Happening, choice: number): Promise<void> {
    const { lifecycle } = this;
    const open = [...lifecycle.streams.values()];
    switch (what) {
      case "SETTINGS":
        if (!lifecycle.isOver) lifecycle.settingsApplied();
        break;
      case "a request":
        if (lifecycle.isOpen) this.#request();
        break;
      case "a response": {
        const stream = open[choice % Math.max(1, open.length)];
        if (stream !== undefined) lifecycle.finish(stream, undefined);
        break;
      }
      case "a flush":
        this.#batch++;
        break;
      case "drain":
        if (!this.#isDialing) lifecycle.drain();
        break;
      case "close":
        lifecycle.close(connectionFailure("idle", lifecycle.address, "unknown", "closed by a test"));
        break;
      case "a GOAWAY":
      case "a GOAWAY with an error": {
        // Nothing is read of a connection that is over, nor another frame before the SETTINGS.
        if (lifecycle.isOver || this.#isDialing) return;
        const lastStreamId = choice * 2 + 1;
        this.lastStreamId = Math.min(this.lastStreamId, lastStreamId);
        lifecycle.goawayReceived({ lastStreamId, code: what === "a GOAWAY" ? 0 : 2, debug: "" });
        break;
      }
      case "a breach":
        lifecycle.breach({ code: 1, debug: "", message: "it broke HTTP/2", culprit: undefined });
        break;
      case "a loss":
        lifecycle.lost(undefined);
        break;
    }
    this.#look();
    if (choice % 2 === 0) await settle();
    this.#look();
  }

  get #isDialing(): boolean {
    return !this.told.includes("connected") && !this.lifecycle.isOver;
  }

  #request(): void {
    const { lifecycle, ends } = this;
    const id = lifecycle.takeStreamId();
    assert.ok(id < maxStreams * 2, "the last stream retires the connection");
    const heard: (Failure | undefined)[] = [];
    ends.set(id, heard);
    const onClosed = (failure: Failure | undefined) => void heard.push(failure);
    const stream = new WireStream(id, {} as never, { ...deafListener, onClosed }, 0, 0);
    stream.batch = this.#batch;
    lifecycle.streams.set(id, stream);
  }

  /** What holds in every state, and at every step. */
  #look(): void {
    const { isOpen, isOver, streams } = this.lifecycle;
    assert.ok([this.#isDialing, isOpen, isOver].filter(Boolean).length <= 1);
    const phase = this.#isDialing ? 0 : isOpen ? 1 : isOver ? 3 : 2;
    assert.ok(phase >= this.#phase, "a connection never goes back");
    this.#phase = phase;
    if (isOver) assert.equal(streams.size, 0);
    for (const [id, heard] of this.ends) {
      assert.equal(heard.length, streams.has(id) ? 0 : 1, "a stream hears of its end once");
      const [failure] = heard;
      if (failure?.kind === "goaway") assert.equal(failure.code, Code.Unavailable);
      // Of what the peer excludes nothing runs, and nobody is told that it may have.
      if (failure?.kind === "goaway" && id > this.lastStreamId) assert.notEqual(failure.progress, "unknown");
    }
  }
}

test("a connection goes forward by its diagram, and everybody hears of its end once", async () => {
  let [connected, retired, went] = [0, 0, 0];
  const happening = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom<Happening>("a request", "a request", "SETTINGS", "a response", "a flush") },
    { weight: 2, arbitrary: fc.constantFrom<Happening>(...happenings) },
    { weight: 1, arbitrary: fc.constantFrom<Happening>(...ends) },
  );
  const story = fc.array(fc.tuple(happening, fc.nat(5)), { minLength: 5, maxLength: 30 });
  const property = fc.asyncProperty(story, fc.boolean(), async (happened, greets) => {
    const world = new World();
    if (greets) await world.happen("SETTINGS", 0);
    for (const [what, choice] of happened) await world.happen(what, choice);
    await world.happen("close", 0);
    await settle();
    assert.ok(world.lifecycle.isOver);
    const { told } = world;
    const isConnected = told.includes("connected");
    // Of what was never connected only the dial hears.
    assert.equal(told.filter((one) => one === "closed").length, isConnected ? 1 : 0);
    assert.equal(told.filter((one) => one === "failed").length, isConnected ? 0 : 1);
    assert.equal(told.filter((one) => one === "socket ended").length, 1);
    assert.equal(told.at(-1), isConnected ? "closed" : "failed");
    assert.ok(told.filter((one) => one === "retires" || one === "goes").length <= 1, told.join());
    if (isConnected) connected++;
    if (told.includes("retires")) retired++;
    if (told.includes("goes")) went++;
  });
  await fc.assert(property, { numRuns: 300, seed: 9113 });
  assert.ok(connected > 100 && retired > 20 && went > 20, `${connected} connected, ${retired} retired, ${went} went`);
});
