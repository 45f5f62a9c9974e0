import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService, UnaryResponseSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type AttemptReport,
  type GlinkCallOptions,
  type GlinkTransport,
  type GlinkTransportOptions,
  glinkCall,
  staticResolver,
} from "../../../src/index.ts";
import { systemHold } from "../../../src/runtime/process-hold.ts";
import { createTransport } from "../../../src/transport/transport.ts";
import { SocketsManualClock } from "../../support/manual-clock.ts";
import { constantRandom } from "../../support/random.ts";

/** One request as it arrived, and the means to answer it. */
export interface ReceivedCall {
  /** 0-based, over all backends. */
  readonly number: number;
  readonly backend: string;
  readonly headers: IncomingHttpHeaders;
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  /** Ends the TCP connection under it, without a GOAWAY. */
  cut(): void;
}

/** What a backend does with a request. */
export type Script = (call: ReceivedCall) => void;

/** Backends that do what a test says, byte by byte. */
export interface ScriptedFleet {
  readonly addresses: readonly string[];
  readonly calls: readonly ReceivedCall[];
  close(): Promise<void>;
}

export async function startFleet(count: number, script: Script): Promise<ScriptedFleet> {
  const calls: ReceivedCall[] = [];
  const addresses: string[] = [];
  const closers: (() => Promise<void>)[] = [];
  for (let i = 0; i < count; i++) {
    const sessions = new Set<ServerHttp2Session>();
    const sockets = new Map<number | undefined, Socket>();
    const server = createServer();
    server.on("connection", (socket: Socket) => sockets.set(socket.remotePort, socket));
    server.on("session", (session) => {
      sessions.add(session);
      session.on("error", () => undefined);
      session.once("close", () => sessions.delete(session));
    });
    let backend = "";
    server.on("stream", (stream, headers) => {
      stream.on("error", () => undefined);
      const session = stream.session as ServerHttp2Session;
      const socket = sockets.get(session.socket.remotePort);
      const call = { number: calls.length, backend, headers, stream, session, cut: () => socket?.destroy() };
      calls.push(call);
      script(call);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    backend = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    addresses.push(backend);
    closers.push(
      () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          for (const session of sessions) session.destroy();
        }),
    );
  }
  return {
    addresses,
    calls,
    async close() {
      for (const close of closers) await close();
    },
  };
}

const grpcHeaders = { ":status": 200, "content-type": "application/grpc+proto" };

/** Headers and trailers in one, as grpc-go and grpc-js answer errors. */
export function failTrailersOnly(code: number, fields: Record<string, string> = {}): Script {
  return ({ stream }) =>
    stream.respond({ ...grpcHeaders, "grpc-status": String(code), ...fields }, { endStream: true });
}

/** Headers, then trailers, as connect-node answers errors. */
export function failAfterHeaders(code: number, fields: Record<string, string> = {}): Script {
  return ({ stream }) => {
    stream.respond(grpcHeaders, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(code), ...fields }));
    stream.end();
  };
}

/** Headers, a whole message, then trailers with an error. */
export function failAfterMessage(code: number): Script {
  return ({ stream }) => {
    stream.respond(grpcHeaders, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(code) }));
    stream.end(framedText("an answer"));
  };
}

/** A framed response message of any method: all of them begin with a text. */
export function framedText(text: string): Buffer {
  const message = toBinary(UnaryResponseSchema, create(UnaryResponseSchema, { text }));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Answers with one message, once the request is complete. */
export function answer(text: string): Script {
  return ({ stream }) => {
    stream.resume();
    stream.once("end", () => {
      stream.respond(grpcHeaders, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(framedText(text));
    });
  };
}

/** Sends headers and these bytes, and leaves the stream open. */
export function begin(bytes: Uint8Array = Buffer.alloc(0)): Script {
  return ({ stream }) => {
    stream.respond(grpcHeaders);
    if (bytes.length > 0) stream.write(bytes);
  };
}

export const refuse: Script = ({ stream }) => stream.close(7);
export const loseConnection: Script = ({ cut }) => cut();
export const staySilent: Script = () => undefined;

/** The scripts in turn, one per request; the last one for all that follow. */
export function inTurn(...scripts: Script[]): Script {
  return (call) => (scripts[call.number] ?? (scripts.at(-1) as Script))(call);
}

/** Collects the request body of a call. */
export async function bodyOf(call: ReceivedCall): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of call.stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A call's options that collect its attempts. */
export function watched(options: GlinkCallOptions = {}) {
  const reports: AttemptReport[] = [];
  const onAttempt = (report: AttemptReport) => reports.push(report);
  return { reports, contextValues: createContextValues().set(glinkCall, { onAttempt, ...options }) };
}

/** The error of a promise that must fail. */
export async function errorOf(promise: Promise<unknown>): Promise<ConnectError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    return error;
  }
  throw new Error("the call should have failed");
}

/** What a test of retries works with: a fleet, a client whose time stands still, and no jitter. */
export interface Bench {
  readonly fleet: ScriptedFleet;
  readonly clock: SocketsManualClock;
  readonly transport: GlinkTransport;
  readonly client: ReturnType<typeof createClient<typeof EchoService>>;
}

export async function withBench(
  setUp: {
    readonly backends?: number;
    /** Fewer than there are, where the policy connects to fewer. */
    readonly readyBackends?: number;
    readonly script: Script;
    readonly options?: Partial<GlinkTransportOptions>;
  },
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const { backends = 2, readyBackends = backends, script, options } = setUp;
  const fleet = await startFleet(backends, script);
  const clock = new SocketsManualClock();
  const transport = createTransport(
    { baseUrl: "http://echo.test:50051", resolver: staticResolver(fleet.addresses), ...options },
    { clock, random: constantRandom(), hold: systemHold() },
  );
  try {
    while (transport.snapshot().subchannels.filter(({ state }) => state === "ready").length < readyBackends) {
      await transport.ready();
      await new Promise((resolve) => setImmediate(resolve));
    }
    // The picker hears of the last of them at the end of the turn.
    await new Promise((resolve) => setImmediate(resolve));
    await work({ fleet, clock, transport, client: createClient(EchoService, transport) });
  } finally {
    const closed = transport.close({ timeoutMs: 0 });
    await clock.advance(1);
    await closed;
    await fleet.close();
  }
}
