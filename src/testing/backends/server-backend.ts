import { once } from "node:events";
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type SecureServerOptions,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { Code, ConnectError, ConnectRouter } from "@connectrpc/connect";
import type { Clock } from "../../index.ts";
import { checkFields, checkNumber, checkText } from "../check.ts";
import { type WaitingOptions, waitFor } from "../waiting.ts";
import { type AdapterOptions, CallHandler } from "./call-handler.ts";
import { type OrderOptions, statusError } from "./orders.ts";
import { Relay } from "./relay.ts";
import type { GoawayOptions, ReceivedCall, TestBackend } from "./test-backend.ts";

/** What a backend is made of. */
export interface BackendParts {
  readonly routes: (router: ConnectRouter, backend: TestBackend) => void;
  readonly adapter: AdapterOptions;
  readonly tls: SecureServerOptions | undefined;
  readonly maxConcurrentStreams: number | undefined;
  readonly clock: Clock;
  /** Told of each call when it comes. */
  readonly onCall: (call: ReceivedCall) => void;
}

const anyCode = { min: 0, max: 13, integer: true };
const refusedStream = 7;
const internalError = 2;

/** A server of Node's with Connect's handlers, and a relay in front of it. */
export class ServerBackend implements TestBackend {
  readonly #server: Http2Server | Http2SecureServer;
  readonly #relay: Relay;
  readonly #handler: CallHandler;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #waiting = new Set<(call: ReceivedCall) => void>();

  private constructor(relay: Relay, server: Http2Server | Http2SecureServer, parts: BackendParts) {
    this.#relay = relay;
    this.#server = server;
    const { routes, adapter, clock, onCall } = parts;
    this.#handler = new CallHandler(
      (router) => routes(router, this),
      adapter,
      clock,
      (method) => {
        const call = { backend: this, method };
        for (const hear of this.#waiting) hear(call);
        onCall(call);
      },
    );
    server.on("request", (request, response) => this.#handler.serve(request, response));
    server.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      // A test ends connections, and their errors are what it asked for.
      session.on("error", () => undefined);
      session.once("close", () => this.#sessions.delete(session));
    });
  }

  /** Listens at `host`, and `port` or a free one for 0. Rejects with Node's error where that cannot be. */
  static async start(host: string, port: number, parts: BackendParts): Promise<ServerBackend> {
    const { tls, maxConcurrentStreams } = parts;
    const settings = maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams };
    const server = tls === undefined ? createServer({ settings }) : createSecureServer({ ...tls, settings });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const relay = new Relay(host, port, (server.address() as AddressInfo).port);
    const backend = new ServerBackend(relay, server, parts);
    try {
      await relay.listen();
    } catch (error) {
      await backend.close();
      throw error;
    }
    return backend;
  }

  get host(): string {
    return this.#relay.host;
  }

  get port(): number {
    return this.#relay.port;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  get calls(): number {
    return this.#handler.calls;
  }

  get openCalls(): number {
    return this.#handler.openCalls;
  }

  get connections(): number {
    return this.#relay.connections;
  }

  nextCall(options: WaitingOptions = {}): Promise<ReceivedCall> {
    return waitFor(
      options,
      () => `no call came to ${this.address}`,
      (resolve) => hearNext(this.#waiting, resolve),
    );
  }

  resetCounts(): void {
    this.#handler.calls = 0;
  }

  status(status: Code | ConnectError, options: OrderOptions = {}): void {
    this.#handler.orders.give({ kind: "status", error: statusError(status) }, options);
  }

  delay(ms: number, options: OrderOptions = {}): void {
    checkNumber("delay takes milliseconds, which", ms, { min: 0, max: 2 ** 31 - 1, infinity: true });
    this.#handler.orders.give({ kind: "delay", ms }, options);
  }

  refuse(options: OrderOptions = {}): void {
    this.#handler.orders.give({ kind: "end-stream", http2Code: refusedStream }, options);
  }

  resetStreams(http2Code: number = internalError, options: OrderOptions = {}): void {
    checkNumber("http2Code", http2Code, anyCode);
    this.#handler.orders.give({ kind: "end-stream", http2Code }, options);
  }

  goaway(options: GoawayOptions = {}): void {
    const { http2Code = 0, debug = "" } = checkFields("the options of goaway", options, ["http2Code", "debug"]);
    checkNumber("http2Code", http2Code, anyCode);
    const data = Buffer.from(checkText("debug", debug));
    for (const session of this.#sessions) {
      if (session.destroyed || (session.closed && http2Code === 0)) continue;
      if (http2Code !== 0 || data.length > 0) session.goaway(http2Code, 0, data);
      if (http2Code === 0) session.close();
      else session.destroy(undefined, http2Code);
    }
  }

  reset(): Promise<void> {
    return this.#relay.cut("reset");
  }

  mute(): void {
    this.#relay.mute();
  }

  stopAccepting(): void {
    this.#relay.stopListening();
  }

  async stop(): Promise<void> {
    this.stopAccepting();
    this.goaway();
    await this.#relay.drained();
  }

  kill(): Promise<void> {
    this.stopAccepting();
    return this.#relay.cut("end");
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.recover();
  }

  async recover(): Promise<void> {
    this.#handler.orders.withdraw();
    this.#handler.release();
    this.#relay.unmute();
    await this.#relay.listen();
  }

  /** For good. */
  async close(): Promise<void> {
    await this.kill();
    for (const session of this.#sessions) session.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The next call goes to `resolve`, until the function that is returned is called. */
export function hearNext(
  waiting: Set<(call: ReceivedCall) => void>,
  resolve: (call: ReceivedCall) => void,
): () => void {
  const hear = (call: ReceivedCall) => {
    waiting.delete(hear);
    resolve(call);
  };
  waiting.add(hear);
  return () => waiting.delete(hear);
}
