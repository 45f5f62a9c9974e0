import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { resetSocket } from "../../../src/testing/backends/reset-socket.ts";

/** One connection through a gate. */
interface Passage {
  readonly near: Socket;
  readonly far: Socket;
  /** Bytes of the server's that still pass; undefined: all. */
  budget: { left: number; readonly reset: boolean } | undefined;
  /** It was cut: what comes after that is lost, also once all is healed. */
  isCut: boolean;
}

/**
 * The network before one backend: an address that stays while the server behind it comes and goes, and on which everything
 * can be done that networks do.
 */
export class Gate {
  readonly host: string;
  readonly port: number;
  /** Accepted so far. */
  accepted = 0;
  readonly #upstream: () => number | undefined;
  readonly #passages = new Set<Passage>();
  /** Connections that were accepted and are told nothing. */
  readonly #frozen = new Set<Socket>();
  #server: Server | undefined;
  #isFrozen = false;
  #isStalled = false;
  #delayMs = 0;

  /** `upstream`: the port of the server behind it; undefined: none, connections end at once. */
  private constructor(host: string, port: number, upstream: () => number | undefined) {
    this.host = host;
    this.port = port;
    this.#upstream = upstream;
  }

  /** With `port` 0 it chooses one. Rejects where the port is taken. */
  static async open(host: string, port: number, upstream: () => number | undefined): Promise<Gate> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(port, host);
    await once(server, "listening");
    const gate = new Gate(host, (server.address() as { port: number }).port, upstream);
    gate.#serve(server);
    return gate;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#passages.size + this.#frozen.size;
  }

  /** Nobody listens. What is open goes on. */
  refuse(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Listens again, answers again, and ends what was frozen: its bytes are lost. */
  heal(): void {
    if (this.#isFrozen) this.cutAll();
    this.#isFrozen = false;
    for (const socket of this.#frozen) resetSocket(socket);
    this.#delayMs = 0;
    if (this.#isStalled) for (const { near, far } of this.#passages) for (const one of [near, far]) one.resume();
    this.#isStalled = false;
    for (const passage of this.#passages) passage.budget = undefined;
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true });
    this.#serve(server);
    server.listen(this.port, this.host);
  }

  /** Every byte is swallowed, and new connections are accepted and told nothing. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** Nothing is read any more, either way: it clogs, and nothing is lost. */
  stall(): void {
    this.#isStalled = true;
    for (const { near, far } of this.#passages) for (const one of [near, far]) one.pause();
  }

  /** Bytes take this long, either way. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Each connection ends after so many more bytes of the server's: by RST, or by FIN. */
  cutAfter(bytes: number, reset: boolean): void {
    for (const passage of this.#passages) passage.budget = { left: bytes, reset };
  }

  /** Ends every connection with a RST. */
  cutAll(): void {
    for (const { near, far } of this.#passages) {
      resetSocket(near);
      far.destroy();
    }
  }

  /** Ends every connection with a FIN. */
  endAll(): void {
    for (const { near, far } of this.#passages) {
      near.end();
      far.end();
    }
  }

  close(): void {
    this.refuse();
    for (const socket of this.#frozen) socket.destroy();
    for (const { near, far } of this.#passages) {
      near.destroy();
      far.destroy();
    }
  }

  #serve(server: Server): void {
    this.#server = server;
    server.on("connection", (near: Socket) => this.#accept(near)).on("error", () => undefined);
  }

  #accept(near: Socket): void {
    this.accepted++;
    near.on("error", () => undefined);
    const port = this.#upstream();
    if (this.#isFrozen) {
      this.#frozen.add(near);
      near.once("close", () => this.#frozen.delete(near)).resume();
    } else if (port === undefined) {
      near.destroy();
    } else {
      const far = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
      far.on("error", () => resetSocket(near));
      const passage: Passage = { near, far, budget: undefined, isCut: false };
      this.#passages.add(passage);
      this.#pass(passage, near, far);
      this.#pass(passage, far, near);
    }
  }

  #pass(passage: Passage, from: Socket, to: Socket): void {
    const lane = new Lane(() => this.#delayMs);
    from.setNoDelay(true);
    if (this.#isStalled) from.pause();
    from.on("data", (bytes) => lane.later(() => this.#write(passage, from, to, bytes)));
    from.on("end", () => lane.later(() => to.end()));
    from.on("close", () => {
      this.#passages.delete(passage);
      lane.later(() => to.destroy());
    });
  }

  #write(passage: Passage, from: Socket, to: Socket, bytes: Buffer): void {
    if (this.#isFrozen) passage.isCut = true;
    if (passage.isCut || to.destroyed) return;
    const { budget, near, far } = passage;
    const passing = budget !== undefined && from === far ? bytes.subarray(0, budget.left) : bytes;
    const hasRoom = to.write(passing);
    if (budget !== undefined && from === far) {
      budget.left -= passing.length;
      if (budget.left > 0) return;
      passage.isCut = true;
      far.destroy();
      // A RST would overtake what was just written.
      if (budget.reset) setImmediate(() => resetSocket(near));
      else near.end();
      return;
    }
    if (hasRoom) return;
    from.pause();
    to.once("drain", () => {
      if (!this.#isStalled) from.resume();
    });
  }
}

/** One direction of a connection. What is delayed is overtaken by nothing, also where the delay gets shorter. */
class Lane {
  readonly #delayMs: () => number;
  readonly #waiting: { readonly dueMs: number; readonly work: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(delayMs: () => number) {
    this.#delayMs = delayMs;
  }

  later(work: () => void): void {
    const delayMs = this.#delayMs();
    if (delayMs === 0 && this.#waiting.length === 0) work();
    else {
      this.#waiting.push({ dueMs: performance.now() + delayMs, work });
      this.#schedule();
    }
  }

  #schedule(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#waiting.shift()?.work();
        this.#schedule();
      },
      Math.max(0, first.dueMs - performance.now()),
    );
  }
}
