import type { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { type Connection, DialError } from "../../../src/http2/connection.ts";
import { connectTo, type Engine, head, testEnd } from "../../unit/http2/wire/engine.ts";
import type { Arena, Peer, Told } from "./arena.ts";
import type { CallPlan, FuzzCase, Step } from "./fuzz-case.ts";
import { type CallOutcome, outcomeOf } from "./outcome.ts";
import { Watch, WatchedCall, WatchedOwner } from "./watch.ts";

/** What one engine made of one case. */
export interface Play {
  readonly engine: string;
  /** Undefined: the dial succeeded. */
  readonly dialFailure: string | undefined;
  /** The calls when everything was sent and the engine had come to rest, and before the client closed. */
  readonly calls: readonly CallOutcome[];
  /** Streams that had no end yet at that time were ended by the client's close. */
  readonly ended: readonly CallOutcome[];
  /** True when the connection was over before the client closed it. */
  readonly isOver: boolean;
  /** Why it was. */
  readonly ownerMessage: string | undefined;
  readonly told: Told;
  /** Breaches of the Connection contract. */
  readonly problems: readonly string[];
}

/** Turns of the event loop without a callback after which an engine is at rest. */
const restTurns = 6;

/** Longer than any engine may take to settle what has ended: its own linger time, and a busy machine. */
const patienceMs = 3_000;

/** However late it is, an engine gets so many turns: time passes while a busy machine lets no engine run. */
const patienceTurns = 50;

/** What a client that may have stopped reading is given to prove the contrary. */
const deafAfterMs = 20;

/** Plays one case against one engine. Never rejects but for a defect of the fuzzer itself. */
export async function play(arena: Arena, engine: Engine, fuzzCase: FuzzCase): Promise<Play> {
  const watch = new Watch();
  const calls: WatchedCall[] = [];
  const owner = new WatchedOwner(watch, calls);
  const limits = { initialWindowBytes: fuzzCase.initialWindowBytes };
  let connection: Connection | undefined;
  let dialFailure: string | undefined;
  const {
    dialled: connecting,
    client,
    peer: accepted,
  } = arena.dial(() => connectTo(engine, arena.port, owner, limits, { connectTimeoutMs: patienceMs }));
  const dialled = connecting.then(
    (made) => {
      connection = made;
    },
    (error: unknown) => {
      if (!(error instanceof DialError)) throw error;
      dialFailure = error.failure.kind;
    },
  );
  const peer = await accepted;
  const patience = new Patience();
  const waitFor = (condition: () => boolean, mostMs?: number) => patience.waitFor(condition, mostMs);
  const player = new Player(engine.name, watch, client, peer, calls, patience, () => connection);
  try {
    await waitFor(() => peer.prefaceSeen);
    await player.run(fuzzCase.opening);
    await waitFor(() => connection !== undefined || dialFailure !== undefined, 20);
    if (connection === undefined) peer.end("fin");
    await dialled;
    if (connection === undefined) {
      await waitFor(() => client.destroyed);
      return {
        engine: engine.name,
        dialFailure,
        calls: [],
        ended: [],
        isOver: true,
        ownerMessage: undefined,
        told: peer,
        problems: watch.problems,
      };
    }
    for (const plan of fuzzCase.calls) player.open(plan);
    const { requests } = peer;
    const opened = calls.filter(({ stream }) => stream !== undefined).length;
    await waitFor(() => requests.size === opened || client.destroyed);
    await player.run(fuzzCase.steps);
    await player.rest();
    const atRest = calls.map(outcomeOf);
    const isOver = owner.isClosed;
    const ownerMessage = owner.failure?.message;
    if (client.destroyed && !isOver) watch.problems.push("the socket is closed, and the owner has not heard of it");
    const told = peer.snapshot();
    await player.resumeReaders();
    connection.close(testEnd);
    await waitFor(() => owner.isClosed && client.destroyed);
    player.checkOver(connection, owner);
    return {
      engine: engine.name,
      dialFailure,
      calls: atRest,
      ended: calls.map(outcomeOf),
      isOver,
      ownerMessage,
      told,
      problems: [...watch.problems, ...peer.problems],
    };
  } finally {
    peer.destroy();
    client.destroy();
  }
}

/** Takes the steps of a case, each when the client has read all before it. */
class Player {
  readonly #engine: string;
  readonly #watch: Watch;
  readonly #client: Socket;
  readonly #peer: Peer;
  readonly #calls: WatchedCall[];
  readonly #patience: Patience;
  readonly #connection: () => Connection | undefined;
  #streams = 0;

  constructor(
    engine: string,
    watch: Watch,
    client: Socket,
    peer: Peer,
    calls: WatchedCall[],
    patience: Patience,
    connection: () => Connection | undefined,
  ) {
    this.#engine = engine;
    this.#watch = watch;
    this.#client = client;
    this.#peer = peer;
    this.#calls = calls;
    this.#patience = patience;
    this.#connection = connection;
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if ("send" in step) {
        this.#peer.send(Buffer.from(step.send, "hex"));
        await this.#read();
      } else if ("server" in step) {
        this.#peer.end(step.server);
        // How many turns of the loop a FIN takes to become an end is an engine's own affair.
        await this.#gone();
      } else {
        this.#act(step);
        await turn();
      }
    }
  }

  /** A session of node:http2 stops reading after an error of its own, and does not even see the peer's FIN. */
  get #isDeaf(): boolean {
    return this.#engine === "node" && this.#peer.isCondemned;
  }

  /**
   * A session of node:http2 that said GOAWAY reads no more when nghttp2 has no stream left. One that is paused may still
   * be open then: its end waits for its reader, and the session waits for it.
   */
  get #awaitsReader(): boolean {
    return this.#engine === "node" && this.#peer.goaways.length > 0 && this.#pausedCalls.length > 0;
  }

  get #pausedCalls(): WatchedCall[] {
    return this.#calls.filter(({ stream, isPaused, isClosed, isReset }) => {
      return stream !== undefined && isPaused && !isClosed && !isReset;
    });
  }

  async #gone(): Promise<void> {
    const isGone = () => this.#client.destroyed;
    await this.#patience.waitFor(() => isGone() || this.#isDeaf || this.#awaitsReader);
    if (!isGone()) await this.#patience.waitFor(isGone, deafAfterMs);
    // And what the socket's end sets off.
    for (let turns = 0; turns < restTurns; turns++) await turn();
  }

  async #read(): Promise<void> {
    const isRead = () => this.#client.bytesRead >= this.#peer.bytesSent || this.#client.destroyed;
    await this.#patience.waitFor(() => isRead() || this.#isDeaf || this.#awaitsReader);
    if (!this.#isDeaf) await this.#patience.waitFor(isRead, deafAfterMs);
    await turn();
  }

  open({ bodyBytes, ends }: CallPlan): void {
    const connection = this.#connection() as Connection;
    const body = Buffer.alloc(bodyBytes);
    const call = new WatchedCall(this.#watch, `stream ${this.#streams * 2 + 1}`);
    const hadRoom = connection.hasRoom;
    const stream = this.#watch.within("request", () => connection.request(head, [], ends ? body : undefined, call));
    this.#calls.push(call);
    if (stream === undefined) {
      if (hadRoom && connection.hasRoom) this.#watch.problems.push("request was refused although there is room");
      return;
    }
    if (!hadRoom) this.#watch.problems.push("request was taken although there is no room");
    call.stream = stream;
    call.streamId = this.#streams++ * 2 + 1;
    if (!ends && bodyBytes > 0) this.#watch.within("write", () => stream.write(body));
  }

  /** Waits until nothing happens any more. After the peer's FIN or reset that is when the connection is over. */
  async rest(): Promise<void> {
    if (this.#peer.hasEnded) await this.#gone();
    for (let quiet = 0, seen = -1; quiet < restTurns; quiet++) {
      if (seen !== this.#watch.callbacks) quiet = 0;
      seen = this.#watch.callbacks;
      await turn();
    }
    if (!this.#awaitsReader) this.#checkGone();
  }

  /** Lets those read that do not, where the end of the connection waits for them. */
  async resumeReaders(): Promise<void> {
    if (!this.#awaitsReader || !this.#peer.hasEnded) return;
    for (const call of this.#pausedCalls) {
      call.isPaused = false;
      call.stream?.resume();
    }
    await this.#gone();
    this.#checkGone();
  }

  #checkGone(): void {
    if (this.#peer.hasEnded && !this.#client.destroyed && !this.#isDeaf)
      this.#watch.problems.push("the peer has closed, and the socket is open");
  }

  /** What must hold once the connection has been closed. */
  checkOver(connection: Connection, owner: WatchedOwner): void {
    const { problems } = this.#watch;
    if (!owner.isClosed) problems.push("the owner has not heard of the end after close");
    if (!this.#client.destroyed) problems.push("the socket is open after close");
    if (connection.hasRoom) problems.push("there is room after close");
    if (connection.openStreams !== 0) problems.push(`${connection.openStreams} streams are open after close`);
    for (const { stream, streamId, isClosed, isReset } of this.#calls) {
      if (stream === undefined) continue;
      if (!isClosed && !isReset) problems.push(`stream ${streamId} is pending after close`);
      // Ignored, all of it.
      stream.write(Buffer.alloc(1));
      stream.end();
      stream.reset(8);
    }
  }

  #act(step: Extract<Step, { client: string }>): void {
    const connection = this.#connection();
    if (connection === undefined) return;
    if (!("call" in step)) {
      if (step.client === "open") this.open(step.plan);
      else if (step.client === "drain") connection.drain();
      else connection.ping(() => undefined);
      return;
    }
    const call = this.#calls[step.call];
    const stream = call?.stream;
    if (call === undefined || stream === undefined) return;
    this.#watch.within(step.client, () => {
      if (step.client === "write") stream.write(Buffer.alloc(step.bytes));
      else if (step.client === "reset") stream.reset(8);
      else if (step.client === "pause") stream.pause();
      else if (step.client === "resume") stream.resume();
      else stream.end();
    });
    if (step.client === "reset" && !call.isClosed) call.isReset = true;
    else if (step.client === "pause" || step.client === "resume") call.isPaused = step.client === "pause";
  }
}

/** What one play may wait in vain, all in all: an engine that hangs must not hold up a run. */
class Patience {
  #leftMs = patienceMs;

  /** Turns the event loop until `condition` holds, or until it has waited for `mostMs`. */
  async waitFor(condition: () => boolean, mostMs: number = patienceMs): Promise<void> {
    const begunMs = performance.now();
    const waitMs = Math.min(mostMs, this.#leftMs);
    for (let turns = 0; !condition(); turns++) {
      const passedMs = performance.now() - begunMs;
      if (passedMs >= waitMs && turns >= patienceTurns) {
        this.#leftMs -= waitMs;
        return;
      }
      await turn();
    }
  }
}
