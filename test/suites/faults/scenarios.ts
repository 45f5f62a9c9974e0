import { createServer, type Socket } from "node:net";
import { type NetworkFaults, startFaultyNetwork } from "../../support/faulty-network.ts";
import {
  frameType,
  grpcHeaders,
  headerBlock,
  type PeerRequest,
  setting,
  startFramePeer,
} from "../../support/frame-peer.ts";
import { freePort } from "../../support/programs.ts";

/** A server with a fault, and how often it got a whole request. */
export interface FaultyServer {
  readonly address: string;
  readonly requests: () => number;
  close(): Promise<void>;
}

/** A row's fault as one server that a unary call meets. */
export interface Scenario {
  readonly id: string;
  readonly what: string;
  start(): Promise<FaultyServer>;
}

/** A frame peer that does this to each request. */
function peer(
  id: string,
  what: string,
  onRequest: (request: PeerRequest) => void,
  settings: readonly number[] = [],
): Scenario {
  return {
    id,
    what,
    async start() {
      const { address, requests, close } = await startFramePeer({ settings, onRequest });
      return { address, requests: () => requests.filter(({ isComplete }) => isComplete).length, close };
    },
  };
}

/** A polite server behind such a network. */
function network(id: string, what: string, faults: NetworkFaults): Scenario {
  return {
    id,
    what,
    async start() {
      const { address, requests, close } = await startFramePeer({ onRequest: (request) => request.ok() });
      const between = await startFaultyNetwork(address, faults);
      return {
        address: between.address,
        requests: () => requests.filter(({ isComplete }) => isComplete).length,
        close: async () => {
          await between.close();
          await close();
        },
      };
    },
  };
}

/** A port that does this to each connection. */
function port(id: string, what: string, onConnection: (socket: Socket) => void): Scenario {
  return {
    id,
    what,
    async start() {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => undefined).resume();
        onConnection(socket);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port: bound } = server.address() as { port: number };
      return {
        address: `127.0.0.1:${bound}`,
        requests: () => 0,
        close: () =>
          new Promise((resolve) => {
            server.close(() => resolve());
            for (const socket of sockets) socket.destroy();
          }),
      };
    },
  };
}

const status = (fields: readonly string[]) => (request: PeerRequest) =>
  request.headers([...grpcHeaders, ...fields], 0x5);

export const scenarios: readonly Scenario[] = [
  {
    id: "N02",
    what: "the port refuses",
    start: async () => ({
      address: `127.0.0.1:${await freePort()}`,
      requests: () => 0,
      close: async () => undefined,
    }),
  },
  port("N03", "the port accepts and is silent", () => undefined),
  peer("N06", "RST before an answer", ({ connection }) => connection.abort()),
  peer("N07", "FIN within a message", (request) => {
    request.headers();
    request.message(Buffer.alloc(100), 50);
    request.connection.socket.end();
  }),
  network("N08", "bytes come one by one", { sliceBytes: 1 }),
  network("N09", "200 ms either way", { delayMs: 100 }),
  port("N16", "a server of HTTP/1.1", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
  peer("F01", "GOAWAY in two steps, then the answer", (request) => {
    request.connection.goaway(2 ** 31 - 1);
    request.connection.goaway(request.id);
    request.ok();
  }),
  peer("F02", "GOAWAY with last id 0, NO_ERROR", ({ connection }) => connection.goaway(0)),
  peer("F05", "GOAWAY with INTERNAL_ERROR that names the request", ({ connection, id }) =>
    connection.goaway(id, 2, "debug"),
  ),
  peer("F05", "GOAWAY with ENHANCE_YOUR_CALM that names the request", ({ connection, id }) =>
    connection.goaway(id, 11, "too_many_pings"),
  ),
  peer("F06", "RST_STREAM with NO_ERROR before headers", (request) => request.reset(0)),
  peer("F07", "RST_STREAM with REFUSED_STREAM, each time", (request) => request.reset(7)),
  peer("F08", "MAX_CONCURRENT_STREAMS 0", (request) => request.ok(), [setting.maxConcurrentStreams, 0]),
  peer("F10", "the answer as the request's headers come, then RST_STREAM with NO_ERROR", (request) => {
    request.ok();
    request.reset(0);
  }),
  peer("F14", "headers twice", (request) => {
    request.headers();
    request.headers();
    request.ok();
  }),
  peer("F15", "headers without a status", (request) => request.headers(["content-type", "application/grpc"], 0x5)),
  peer("F16", "a DATA frame within a header block", (request) => {
    request.connection.frame(frameType.headers, 0, request.id, headerBlock([":status", "200"]));
    request.data(Buffer.alloc(5));
  }),
  peer("F18", "unknown frames and PRIORITY before the answer", (request) => {
    request.connection.frame(0x42, 0xff, request.id, Buffer.from("unknown"));
    request.connection.frame(2, 0, request.id, Buffer.alloc(5));
    request.ok();
  }),
  peer("F19", "a header block that is none", ({ connection, id }) =>
    connection.frame(frameType.headers, 0x5, id, Buffer.from([0xff, 0xff, 0x7f, 0x80])),
  ),
  peer("F20", "DATA on stream 0, the socket stays open", ({ connection }) =>
    connection.frame(frameType.data, 0, 0, Buffer.from("x")),
  ),
  peer("F24", "a compressed message without an encoding", (request) => {
    request.headers();
    request.data(Buffer.from([1, 0, 0, 0, 1, 0]));
    request.trailers();
  }),
  peer("F25", "HTTP 503 with a page", (request) => {
    request.headers([":status", "503", "content-type", "text/html"]);
    request.data(Buffer.from("<html>"), true);
  }),
  peer("F26", "grpc-status abc", status(["grpc-status", "abc"])),
  peer("F26", "grpc-status given twice", status(["grpc-status", "5", "grpc-status", "13"])),
  peer("F27", "trailers alone, NotFound", status(["grpc-status", "5"])),
  peer("M13–M15", "PUSH_PROMISE", ({ connection, id }) =>
    connection.frame(5, 0x4, id, Buffer.concat([Buffer.from([0, 0, 0, 2]), headerBlock([":path", "/"])])),
  ),
  peer("M16–M18", "a length prefix of 4 GB", (request) => {
    request.headers();
    request.data(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]));
  }),
  peer("M19–M21", "GOAWAY after each answer", (request) => {
    request.ok();
    request.connection.goaway(request.id);
  }),
  peer("S11", "Unavailable by the server, each time", status(["grpc-status", "14"])),
  peer("S12", "Unavailable with pushback -1", status(["grpc-status", "14", "grpc-retry-pushback-ms", "-1"])),
  peer("S13", "DeadlineExceeded by the server, each time", status(["grpc-status", "4"])),
  peer("S14", "Internal by the server", status(["grpc-status", "13"])),
];
