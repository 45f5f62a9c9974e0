import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { ResponseCase } from "./response-case.ts";

/** A server that answers each request with the response whose seed the request names. */
export class Responder {
  readonly #server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();
  #case: ResponseCase | undefined;

  static async start(): Promise<Responder> {
    const responder = new Responder();
    await new Promise<void>((resolve) => responder.#server.listen(0, "127.0.0.1", resolve));
    return responder;
  }

  private constructor() {
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("error", () => undefined);
      session.once("close", () => this.#sessions.delete(session));
    });
    this.#server.on("stream", (stream) => {
      stream.on("error", () => undefined);
      stream.resume();
      const { status, headers, pieces, trailers } = this.#case as ResponseCase;
      const waitForTrailers = trailers.length > 0;
      const isEmpty = pieces.length === 0 && !waitForTrailers;
      stream.respond({ ":status": status, ...Object.fromEntries(headers) }, { endStream: isEmpty, waitForTrailers });
      if (isEmpty || stream.destroyed) return;
      stream.once("wantTrailers", () => stream.sendTrailers(Object.fromEntries(trailers)));
      for (const piece of pieces) if (stream.writable) stream.write(piece);
      stream.end();
    });
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What the next requests are answered with. */
  answerWith(next: ResponseCase): void {
    this.#case = next;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const session of this.#sessions) session.destroy();
    await closed;
  }
}
