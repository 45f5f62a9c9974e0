import type { ListenerName } from "./server/answers.ts";

export type PeerName =
  | "floor"
  | "tcp"
  | "no-network"
  | "createGrpcTransport"
  | "grpc-js"
  | "grpc-go"
  | "glink"
  | "glink-node";

/** What a client process is asked to do over and over. */
export interface Load {
  readonly kind: "unary" | "server-stream" | "client-stream" | "bidi";
  /** How the servers answer. */
  readonly listener: ListenerName;
  /** Operations under way at any time: a call, or for streams a whole stream. */
  readonly concurrency: number;
  /** Messages of one operation: what CPU is divided by. */
  readonly messages: number;
  /** Of one message on the wire, before compression. */
  readonly messageBytes: number;
  /** Backends in the pool. */
  readonly addresses: number;
  readonly metadataPairs: number;
  readonly gzip: boolean;
  readonly deadline: boolean;
  readonly interceptor: boolean;
  /** `false`: glink is told `retry: false`. */
  readonly retry: boolean;
}

/** A load with its place in the report. */
export interface NamedLoad extends Load {
  readonly name: string;
  readonly peers: readonly PeerName[];
  /** Also measure glink with the plain small unary load in the same rounds: ratios to it need no other run. */
  readonly comparePlain: boolean;
}

const plain: Load = {
  kind: "unary",
  listener: "echo",
  concurrency: 32,
  messages: 1,
  messageBytes: 32,
  addresses: 2,
  metadataPairs: 0,
  gzip: false,
  deadline: false,
  interceptor: false,
  retry: true,
};

/** What `glink-plain` and `glink-node-plain` run. */
export const plainLoad = plain;

/** In the order of the report. */
export const everyPeer: readonly PeerName[] = [
  "floor",
  "tcp",
  "no-network",
  "createGrpcTransport",
  "grpc-js",
  "grpc-go",
  "glink-node",
  "glink",
];
const overHttp2 = everyPeer.filter((peer) => peer !== "tcp" && peer !== "no-network");
/** createGrpcTransport knows one address. */
const pooling = overHttp2.filter((peer) => peer !== "createGrpcTransport");

function load(name: string, peers: readonly PeerName[], change: Partial<Load>, comparePlain = false): NamedLoad {
  return { name, peers, comparePlain, ...plain, ...change };
}

const stream = { concurrency: 8, messages: 100 } as const;

export const loads: readonly NamedLoad[] = [
  load("unary-c1", everyPeer, { concurrency: 1 }),
  load("unary-c8", everyPeer, { concurrency: 8 }),
  load("unary-c32", everyPeer, {}),
  load("unary-c256", everyPeer, { concurrency: 256 }),
  load("unary-64KiB", everyPeer, { messageBytes: 65_536, concurrency: 8 }),
  load("unary-1MiB", everyPeer, { messageBytes: 1_048_576, concurrency: 4 }),
  load("server-stream-100", everyPeer, { kind: "server-stream", listener: "stream100", ...stream }),
  load("server-stream-10000", everyPeer, {
    kind: "server-stream",
    listener: "stream10000",
    concurrency: 1,
    messages: 10_000,
  }),
  load("bidi-100", everyPeer, { kind: "bidi", listener: "bidi", ...stream }),
  load("client-stream-100", [...overHttp2, "no-network"], { kind: "client-stream", listener: "collect", ...stream }),
  load("unary-tls", overHttp2, { listener: "tls" }),
  load("unary-pool-1", pooling, { addresses: 1 }),
  load("unary-pool-10", pooling, { addresses: 10 }),
  load("unary-pool-1000", pooling, { addresses: 1_000 }),
  load("unary-metadata-10", overHttp2, { metadataPairs: 10 }, true),
  load("unary-gzip-1KiB", overHttp2, { listener: "gzip", gzip: true, messageBytes: 1_024 }),
  load("unary-gzip", overHttp2, { listener: "gzip", gzip: true, messageBytes: 4_096 }),
  load("unary-gzip-16KiB", overHttp2, { listener: "gzip", gzip: true, messageBytes: 16_384, concurrency: 8 }),
  load("unary-gzip-64KiB", overHttp2, { listener: "gzip", gzip: true, messageBytes: 65_536, concurrency: 8 }),
  load("unary-deadline", overHttp2, { deadline: true }, true),
  load("unary-interceptor", overHttp2, { interceptor: true }, true),
  load("unary-retry-off", ["glink", "glink-node"], { retry: false }, true),
];

/** What `--quick` measures, and whom. */
export const quick = {
  loads: ["unary-c32", "server-stream-100"],
  peers: ["floor", "createGrpcTransport", "grpc-js", "glink-node", "glink"] as readonly PeerName[],
};
