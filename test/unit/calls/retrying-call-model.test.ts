// Whatever becomes of a call's attempts, in whatever order: the call goes by the diagram in retrying-call.ts, ends once, and
// leaves nothing behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { canceledFailure } from "../../../src/base/errors.ts";
import type { CallEnd, CallListener, RunningCall } from "../../../src/calls/call.ts";
import { ReplayMemory } from "../../../src/calls/retry/replay-memory.ts";
import { retryDefaults } from "../../../src/calls/retry/retry-options.ts";
import { RetryingCall } from "../../../src/calls/retrying-call.ts";
import { CallCounters } from "../../../src/observe/counters.ts";
import { grpc } from "../../../src/protocol/grpc/grpc.ts";
import { MessageMemory } from "../../../src/protocol/message-memory.ts";
import type { FakeStream } from "../../support/fake-connector.ts";
import { fakePool, pickInfo } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { constantRandom } from "../../support/random.ts";

const happenings = [
  ...(["headers", "a message", "the end", "Unavailable", "NotFound", "a refusal", "a reset"] as const),
  ...(["a lost connection", "a GOAWAY", "a while", "the request goes on", "the request ends"] as const),
];
type Happening = (typeof happenings)[number] | "cancel";

const replayMaxBytes = 1_000;

class World {
  readonly pool = fakePool();
  readonly replayMemory = new ReplayMemory(replayMaxBytes);
  readonly counters = new CallCounters();
  /** What the call's user is told. */
  readonly told: ("headers" | "message")[] = [];
  end: CallEnd | undefined;
  readonly #singleResponse: boolean;
  /** All that were begun, and the one whose response is shown. */
  readonly #streams = new Set<FakeStream>();
  #shownBy: FakeStream | undefined;
  #streamsAtEnd = 0;
  #call: RunningCall | undefined;
  #hasRequestEnded = false;

  constructor(singleResponse: boolean) {
    this.#singleResponse = singleResponse;
  }

  async start(): Promise<void> {
    const { pool, clock, events, resolver } = this.pool;
    pool.wake();
    resolver.report("10.0.0.1", "10.0.0.2");
    await settle();
    const tell = (what: "headers" | "message") => {
      assert.equal(this.end, undefined, "nothing comes after the end");
      this.told.push(what);
      this.#shownBy ??= this.#open[0];
    };
    const listener: CallListener = {
      onHeaders: () => tell("headers"),
      onMessage: () => tell("message"),
      onWritable: () => assert.equal(this.end, undefined),
      onEnd: (end) => {
        assert.equal(this.end, undefined, "a call ends once");
        this.end = end;
        this.#streamsAtEnd = this.#streams.size;
      },
    };
    const limits = { readMaxBytes: 1_000, messageMemory: new MessageMemory() };
    const attempt = { source: pool, protocol: grpc, limits, clock, events, counters: this.counters };
    const context = {
      attempt,
      random: constantRandom(),
      retryLimit: { current: undefined },
      replayMemory: this.replayMemory,
    };
    const method = { ...pickInfo.method, singleResponse: this.#singleResponse, singleRequest: false };
    const request = {
      method,
      head: { path: "/x", fields: [] },
      metadata: [],
      contextValues: undefined,
      options: {},
      deadlineMs: Number.POSITIVE_INFINITY,
      trace: undefined,
      body: undefined,
    };
    this.#call = new RetryingCall(context, request, listener, {
      retry: { ...retryDefaults, perAttemptTimeoutMs: 5_000 },
      waitForReady: false,
      hedging: undefined,
    });
    this.#call.start();
    await settle();
    this.#look();
  }

  get #open(): FakeStream[] {
    return this.pool.connector.open.flatMap(({ streams }) => [...streams]);
  }

  async happen(what: Happening, choice: number): Promise<void> {
    const [stream] = this.#open;
    switch (what) {
      case "headers":
        stream?.answer(new Uint8Array(0));
        break;
      case "a message":
        stream?.answer(new Uint8Array(choice));
        break;
      case "the end":
        stream?.endWith(0);
        break;
      case "Unavailable":
        stream?.endWith(Code.Unavailable);
        break;
      case "NotFound":
        stream?.endWith(Code.NotFound);
        break;
      case "a refusal":
      case "a reset": {
        const progress = what === "a refusal" ? "refused" : "unknown";
        const failure = { kind: "stream-reset", code: Code.Unavailable, progress, message: what } as const;
        if (stream === undefined) break;
        stream.listener.onClosed(failure);
        stream.connection.streamEnded(stream);
        break;
      }
      case "a lost connection":
        this.pool.connector.open[choice % 2]?.lose();
        break;
      case "a GOAWAY":
        this.pool.connector.open[choice % 2]?.goaway();
        break;
      case "a while":
        await this.pool.clock.advance([1, 200, 20_000][choice % 3] as number);
        break;
      case "the request goes on":
        if (!this.#hasRequestEnded) this.#call?.send(new Uint8Array(choice * 30));
        break;
      case "the request ends":
        if (!this.#hasRequestEnded) this.#call?.halfClose();
        this.#hasRequestEnded = true;
        break;
      case "cancel":
        this.#call?.cancel(canceledFailure("enough"));
        assert.notEqual(this.end, undefined, "cancel ends the call at once");
        break;
    }
    await settle();
    this.#look();
  }

  /** What holds in every state. */
  #look(): void {
    const open = this.#open;
    for (const stream of open) this.#streams.add(stream);
    assert.ok(open.length <= (this.end === undefined ? 1 : 0), `${open.length} streams at once`);
    // Committed: the attempt whose response is shown is the last one.
    if (this.#shownBy !== undefined && this.end === undefined) assert.deepEqual(open, [this.#shownBy]);
    if (this.end === undefined) return;
    assert.ok(this.end.attempts <= retryDefaults.maxAttempts, `${this.end.attempts} attempts`);
    assert.equal(this.#streams.size, this.#streamsAtEnd, "no attempt after the end");
  }

  /** Nothing is left of the call; the pool has its own. */
  async close(): Promise<string> {
    if (this.end === undefined) await this.happen("cancel", 0);
    await this.happen("a while", 2);
    await this.happen("a while", 2);
    await this.happen("cancel", 0);
    assert.ok(this.told.lastIndexOf("headers") <= 0, "headers come first, and once");
    assert.ok(this.replayMemory.keep(replayMaxBytes), "all that was kept for attempts is free again");
    const { failure } = this.end as CallEnd;
    this.pool.close();
    assert.equal(this.pool.clock.pending, 0);
    return failure?.kind ?? "OK";
  }
}

test("a call goes by its diagram, ends once, and leaves nothing behind", async () => {
  const kinds = new Map<string, number>();
  const story = fc.array(
    fc.tuple(
      fc.oneof(
        { weight: 12, arbitrary: fc.constantFrom<Happening>(...happenings) },
        { weight: 1, arbitrary: fc.constant<Happening>("cancel") },
      ),
      fc.nat(20),
    ),
    { minLength: 3, maxLength: 20 },
  );
  const property = fc.asyncProperty(story, fc.boolean(), async (happened, singleResponse) => {
    const world = new World(singleResponse);
    await world.start();
    for (const [what, choice] of happened) await world.happen(what, choice);
    const kind = await world.close();
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  });
  await fc.assert(property, { numRuns: 80, seed: 6 });
  for (const kind of ["OK", "status", "canceled", "stream-reset"]) assert.ok(kinds.has(kind), kind);
});
