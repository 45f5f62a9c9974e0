import type { ListenerName } from "./server/answers.ts";

export type PeerName =
  | "floor"
  | "tcp"
  | "no-network"
  | "createGrpcTransport"
  | "createGrpcWebTransport"
  | "createConnectTransport"
  | "grpc-js"
  | "grpc-go"
  | "connect-go"
  | "glink"
  | "glink-node";

/** What an interceptor does of each call. */
export type InterceptorName = "passes-on" | "sets-header";

/** What a client process is asked to do over and over. */
export interface Load {
  readonly kind: "unary" | "server-stream" | "client-stream" | "bidi";
  readonly protocol: "grpc" | "grpc-web" | "connect";
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
  readonly interceptor: InterceptorName | undefined;
  /** `false`: glink is told `retry: false`. */
  readonly retry: boolean;
}

/** A load with its place in the report. */
export interface NamedLoad extends Load {
  readonly name: string;
  readonly peers: readonly PeerName[];
  /** A measurement takes so many times as long as usual: few of its calls fit in one window. */
  readonly windows: number;
  /** Also measure glink with this load in the same rounds: ratios to it need no other run. */
  readonly compareWith: Load | undefined;
}

const plain: Load = {
  kind: "unary",
  protocol: "grpc",
  listener: "echo",
  concurrency: 32,
  messages: 1,
  messageBytes: 32,
  addresses: 2,
  metadataPairs: 0,
  gzip: false,
  deadline: false,
  interceptor: undefined,
  retry: true,
};

/** In the order of the report. */
const ofGrpc: readonly PeerName[] = [
  "floor",
  "tcp",
  "no-network",
  "createGrpcTransport",
  "grpc-js",
  "grpc-go",
  "glink-node",
  "glink",
];
const ofGrpcWeb: readonly PeerName[] = ["createGrpcWebTransport", "connect-go", "glink-node", "glink"];
const ofConnect: readonly PeerName[] = ["createConnectTransport", "connect-go", "glink-node", "glink"];
export const everyPeer: readonly PeerName[] = [...new Set([...ofGrpc, ...ofGrpcWeb, ...ofConnect])];
const overHttp2 = ofGrpc.filter((peer) => peer !== "tcp" && peer !== "no-network");
/** createGrpcTransport knows one address. */
const pooling = overHttp2.filter((peer) => peer !== "createGrpcTransport");

function load(
  name: string,
  peers: readonly PeerName[],
  change: Partial<Load & Pick<NamedLoad, "windows">>,
  compareWith?: Load,
): NamedLoad {
  return { name, peers, windows: 1, compareWith, ...plain, ...change };
}

const stream = { concurrency: 8, messages: 100 } as const;

/** The same by gRPC, for the loads of other protocols. */
const grpcStream: Load = { ...plain, kind: "server-stream", listener: "stream100", ...stream };

export const loads: readonly NamedLoad[] = [
  load("unary-c1", ofGrpc, { concurrency: 1 }),
  load("unary-c8", ofGrpc, { concurrency: 8 }),
  load("unary-c32", ofGrpc, {}),
  load("unary-c256", ofGrpc, { concurrency: 256 }),
  load("unary-64KiB", ofGrpc, { messageBytes: 65_536, concurrency: 8 }),
  load("unary-1MiB", ofGrpc, { messageBytes: 1_048_576, concurrency: 4 }),
  load("unary-16MiB", ofGrpc, { messageBytes: 16_777_216, concurrency: 1, windows: 3 }),
  load("server-stream-100", ofGrpc, { kind: "server-stream", listener: "stream100", ...stream }),
  load("server-stream-10000", ofGrpc, {
    kind: "server-stream",
    listener: "stream10000",
    concurrency: 1,
    messages: 10_000,
  }),
  load("bidi-100", ofGrpc, { kind: "bidi", listener: "bidi", ...stream }),
  load("client-stream-100", [...overHttp2, "no-network"], { kind: "client-stream", listener: "collect", ...stream }),
  load("unary-tls", overHttp2, { listener: "tls" }),
  load("unary-tls-64KiB", overHttp2, { listener: "tls", messageBytes: 65_536, concurrency: 8 }),
  load("unary-tls-1MiB", overHttp2, { listener: "tls", messageBytes: 1_048_576, concurrency: 4 }),
  load("unary-tls-16MiB", overHttp2, { listener: "tls", messageBytes: 16_777_216, concurrency: 1, windows: 3 }),
  load("unary-pool-1", pooling, { addresses: 1 }),
  load("unary-pool-10", pooling, { addresses: 10 }),
  load("unary-pool-1000", pooling, { addresses: 1_000 }),
  load("unary-metadata-10", overHttp2, { metadataPairs: 10 }, plain),
  load("unary-gzip-1KiB", overHttp2, { listener: "gzip", gzip: true, messageBytes: 1_024 }),
  load("unary-gzip", overHttp2, { listener: "gzip", gzip: true, messageBytes: 4_096 }),
  load("unary-gzip-16KiB", overHttp2, { listener: "gzip", gzip: true, messageBytes: 16_384, concurrency: 8 }),
  load("unary-gzip-64KiB", overHttp2, { listener: "gzip", gzip: true, messageBytes: 65_536, concurrency: 8 }),
  load("unary-deadline", overHttp2, { deadline: true }, plain),
  load("unary-interceptor", overHttp2, { interceptor: "passes-on" }, plain),
  load("unary-interceptor-header", overHttp2, { interceptor: "sets-header" }, plain),
  load("unary-grpc-web", ofGrpcWeb, { protocol: "grpc-web", listener: "webEcho" }, plain),
  load("unary-connect", ofConnect, { protocol: "connect", listener: "connectEcho" }, plain),
  load("stream-grpc-web", ofGrpcWeb, { ...grpcStream, protocol: "grpc-web", listener: "webStream100" }, grpcStream),
  load("stream-connect", ofConnect, { ...grpcStream, protocol: "connect", listener: "connectStream100" }, grpcStream),
  load("unary-retry-off", ["glink", "glink-node"], { retry: false }, plain),
];

/** What latency is measured with: more calls at once than saturate any client. */
export const latencyLoad = load("latency", overHttp2, { concurrency: 256 });

/** What `--quick` measures, and whom. */
export const quick = {
  loads: ["unary-c32", "server-stream-100"],
  peers: ["floor", "createGrpcTransport", "grpc-js", "glink-node", "glink"] as readonly PeerName[],
};

/** What `--report` measures, and whom: what docs/performance.md shows, within half an hour. */
export const report = {
  loads: [
    ...["unary-c32", "unary-tls", "unary-pool-1000"],
    ...["unary-64KiB", "unary-1MiB", "unary-16MiB", "unary-tls-64KiB", "unary-tls-1MiB", "unary-tls-16MiB"],
    ...["server-stream-100", "bidi-100"],
    ...["unary-gzip-1KiB", "unary-gzip", "unary-gzip-16KiB", "unary-gzip-64KiB"],
    ...["unary-interceptor", "unary-interceptor-header"],
  ],
  peers: everyPeer.filter((peer) => peer !== "floor" && peer !== "tcp"),
  latencyPeers: ["createGrpcTransport", "grpc-js", "grpc-go", "glink"] as readonly PeerName[],
  nodeVersions: ["22", "24", "26"],
  /** One of each kind: glink is measured with its other engine, and on each of these Nodes, on these alone. */
  variantLoads: ["unary-c32", "unary-tls", "unary-64KiB", "server-stream-100", "bidi-100", "unary-gzip"],
};
