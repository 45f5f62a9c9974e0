import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { resetSocket } from "./reset-socket.ts";

/** A client's connection, and the one behind it to the server. */
interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/**
 * The network in front of a server, in a test's hand: it takes connections at an address of its own and passes bytes on.
 * Servers of Node's cannot be made to say nothing, for nghttp2 answers PINGs by itself.
 */
export class Relay {
  readonly host: string;
  readonly #farPort: number;
  #port: number;
  #server: Server | undefined;
  #muted = false;
  readonly #pairs = new Set<Pair>();

  /** `port`: 0 for a free one, which stays the same from the first `listen` on. `farPort`: of the server, on 127.0.0.1. */
  constructor(host: string, port: number, farPort: number) {
    this.host = host;
    this.#port = port;
    this.#farPort = farPort;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  get listens(): boolean {
    return this.#server !== undefined;
  }

  /** Rejects with Node's error where it cannot listen. */
  async listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((near) => this.#accept(near));
    this.#server = server;
    server.listen(this.#port, this.host);
    try {
      await once(server, "listening");
    } catch (error) {
      this.#server = undefined;
      throw error;
    }
    this.#port = (server.address() as { port: number }).port;
  }

  /** New connections are refused from now on; those that are open stay. */
  stopListening(): void {
    // It would tell of its end when the last connection has ended, which nobody waits for.
    this.#server?.close();
    this.#server = undefined;
  }

  /** Resolves when the connections that are open now have ended. */
  async drained(): Promise<void> {
    await Promise.all([...this.#pairs].map(({ near }) => near.closed || once(near, "close")));
  }

  /** No byte passes in either direction, and no connection ends, as where a process is stopped or a cable is cut. */
  mute(): void {
    this.#muted = true;
    for (const { near, far } of this.#pairs) {
      near.unpipe().pause();
      far.unpipe().pause();
    }
  }

  /** What was held up goes on. */
  unmute(): void {
    if (!this.#muted) return;
    this.#muted = false;
    for (const pair of this.#pairs) join(pair);
  }

  /** Ends every connection: as the kernel does for a process that was killed, or with a TCP RST. */
  async cut(how: "end" | "reset"): Promise<void> {
    const pairs = [...this.#pairs];
    for (const { near, far } of pairs) {
      if (how === "reset") resetSocket(near);
      else near.destroy();
      far.destroy();
    }
    await Promise.all(pairs.map(({ near }) => near.closed || once(near, "close")));
  }

  #accept(near: Socket): void {
    const far = connect(this.#farPort, "127.0.0.1");
    const pair = { near, far };
    this.#pairs.add(pair);
    near.once("close", () => this.#pairs.delete(pair));
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.setNoDelay(true);
      // Its end follows, and that is passed on.
      socket.on("error", () => undefined);
      socket.once("close", () => other.destroySoon());
    }
    if (!this.#muted) join(pair);
  }
}

function join({ near, far }: Pair): void {
  near.pipe(far);
  far.pipe(near);
}
