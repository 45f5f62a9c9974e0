import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import type { Load } from "../loads.ts";
import { deadlineMs, metadataOf, methods, requestOf } from "./messages.ts";
import { check, type OpenPeer } from "./peer.ts";
import { PrefixedReader } from "./prefixed-reader.ts";

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** The windows that glink uses: the floor must not be slow for want of them. */
const streamWindowBytes = 1_048_576;
const connectionWindowBytes = 8 * streamWindowBytes;

/** gRPC's prefix: a flag and four bytes of length. */
const prefixBytes = 5;

/**
 * The least that a client on node:http2 can do: the same headers and bytes as a gRPC library, messages encoded and
 * decoded with protobuf-es, one promise per call, sessions in turn. No errors, no timers, no retries.
 */
export const open: OpenPeer = async ({ load, backends, certificate }) => {
  const scheme = certificate === undefined ? "http" : "https";
  const sessions = await Promise.all(
    backends.map(
      (backend) =>
        new Promise<ClientHttp2Session>((resolve, reject) => {
          const session = connect(`${scheme}://${backend}`, {
            settings: { enablePush: false, initialWindowSize: streamWindowBytes },
            maxSessionMemory: 1_000,
            ...(certificate === undefined ? {} : { ca: certificate, servername: "localhost" }),
          });
          session.once("error", reject);
          session.once("remoteSettings", () => {
            session.setLocalWindowSize(connectionWindowBytes);
            resolve(session);
          });
        }),
    ),
  );
  let next = 0;
  const session = () => {
    next = next + 1 < sessions.length ? next + 1 : 0;
    return sessions[next] as ClientHttp2Session;
  };
  return {
    run: operation(session, headersOf(load, scheme), load),
    close: () => {
      for (const one of sessions) one.destroy();
    },
  };
};

function headersOf(load: Load, scheme: string): OutgoingHttpHeaders {
  return {
    ":method": "POST",
    ":scheme": scheme,
    ":authority": "localhost:1",
    ":path": `/${EchoService.typeName}/${methods[load.kind].name}`,
    "content-type": "application/grpc+proto",
    te: "trailers",
    "user-agent": "glink/0.1.0",
    "grpc-accept-encoding": "gzip,br",
    ...(load.gzip ? { "grpc-encoding": "gzip" } : {}),
    ...(load.deadline ? { "grpc-timeout": `${deadlineMs}m` } : {}),
    ...metadataOf(load),
  };
}

function operation(session: () => ClientHttp2Session, headers: OutgoingHttpHeaders, load: Load): () => Promise<void> {
  const input: DescMessage = methods[load.kind].input;
  const output: DescMessage = methods[load.kind].output;
  const request = requestOf(load);
  const requests = load.kind === "client-stream" || load.kind === "bidi" ? load.messages : 1;
  const responses = load.kind === "server-stream" || load.kind === "bidi" ? load.messages : 1;
  const encode = () => framed(toBinary(input, request as never), 0);
  const exchange = (first: Uint8Array, onMessage: (payload: Uint8Array) => void) =>
    new Promise<void>((resolve, reject) => {
      const stream = session().request(headers, { endStream: false });
      const reader = new PrefixedReader(prefixBytes, onMessage);
      stream.on("response", ignore);
      stream.on("data", (chunk: Buffer) => reader.push(chunk));
      stream.on("trailers", (trailers) => {
        if (trailers["grpc-status"] === "0") resolve();
        else reject(new Error(`grpc-status ${trailers["grpc-status"]}`));
      });
      stream.on("error", reject);
      if (requests === 1) {
        stream.end(first);
        return;
      }
      stream.write(first);
      for (let i = 2; i < requests; i++) stream.write(encode());
      stream.end(encode());
    });
  if (load.gzip) {
    return async () => {
      let answer: Uint8Array | undefined;
      await exchange(framed(await compress(toBinary(input, request as never)), 1), (payload) => {
        answer = payload;
      });
      fromBinary(output, await decompress(answer as Uint8Array));
    };
  }
  return async () => {
    let count = 0;
    await exchange(encode(), (payload) => {
      fromBinary(output, payload);
      count++;
    });
    check(count, responses, "messages");
  };
}

function ignore(): void {
  // Without a listener node:http2 would take the response for unwanted.
}

function framed(payload: Uint8Array, flag: number): Buffer {
  const bytes = Buffer.allocUnsafe(prefixBytes + payload.length);
  bytes[0] = flag;
  bytes.writeUInt32BE(payload.length, 1);
  bytes.set(payload, prefixBytes);
  return bytes;
}
