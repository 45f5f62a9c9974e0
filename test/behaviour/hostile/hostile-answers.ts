import { brotliCompressSync, constants, deflateRawSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { ServerStreamResponseSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { settingId } from "../../../src/http2/wire/frames.ts";
import { frameType, headerBlock, type PeerRequest } from "../../support/frame-peer.ts";
import { framed } from "../../support/framed.ts";
import { endHeaders, endStream, frameTypes } from "../../unit/http2/wire/raw-peer.ts";

export const megabyte: number = 2 ** 20;

/** The receive window of a stream, as large as it may become here. */
export const windowBytes: number = megabyte;

/** A gigabyte of zeros in a megabyte: the same 16 MB over and over. What comes after them nobody reads. */
export function gzipBomb(): Buffer {
  const block = deflateRawSync(Buffer.alloc(16 * megabyte), { finishFlush: constants.Z_FULL_FLUSH });
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
  return Buffer.concat([header, ...Array.from({ length: 64 }, () => block)]);
}

/** 256 MB of zeros in 48 KB. */
export function brotliBomb(): Buffer {
  return brotliCompressSync(Buffer.alloc(256 * megabyte), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
}

/** Answers with one compressed message. */
export function answerCompressed(request: PeerRequest, encoding: string, payload: Buffer): void {
  request.headers([":status", "200", "content-type", "application/grpc", "grpc-encoding", encoding]);
  const prefix = Buffer.alloc(5);
  prefix[0] = 1;
  prefix.writeUInt32BE(payload.length, 1);
  const bytes = Buffer.concat([prefix, payload]);
  for (let at = 0; at < bytes.length; at += 16_384) request.data(bytes.subarray(at, at + 16_384));
  request.trailers();
}

/** One DATA frame after another, as the client's window of the stream allows. Tells how much that was. */
export class EndlessStream {
  sentBytes = 0;
  readonly #request: PeerRequest;
  readonly #message: Uint8Array;

  constructor(request: PeerRequest, messageBytes: number) {
    this.#request = request;
    const message = create(ServerStreamResponseSchema, { payload: new Uint8Array(messageBytes) });
    this.#message = framed(toBinary(ServerStreamResponseSchema, message));
    request.headers();
    request.connection.socket.on("data", () => this.send());
    this.send();
  }

  send(): void {
    for (; this.sentBytes + this.#message.length <= this.#creditBytes; this.sentBytes += this.#message.length) {
      this.#request.data(this.#message);
    }
  }

  get #creditBytes(): number {
    let initialBytes = 65_535;
    let bytes = 0;
    for (const [type, , id, payload] of this.#request.connection.received) {
      if (type === frameType.windowUpdate && id === this.#request.id) bytes += payload.readUInt32BE(0);
      if (type === frameTypes.settings) initialBytes = initialWindowIn(payload) ?? initialBytes;
    }
    return initialBytes + bytes;
  }
}

/** What a SETTINGS frame says of the window of streams, those that are open included (RFC 9113 §6.9.2). */
function initialWindowIn(settings: Buffer): number | undefined {
  for (let at = 0; at < settings.length; at += 6) {
    if (settings.readUInt16BE(at) === settingId.initialWindowSize) return settings.readUInt32BE(at + 2);
  }
  return undefined;
}

/** A trailers block in HEADERS and as many CONTINUATION frames as it takes. */
export function answerInTrailers(request: PeerRequest, fields: readonly string[]): void {
  request.headers();
  const block = headerBlock(["grpc-status", "13", ...fields]);
  for (let at = 0; at < block.length; at += 16_384) {
    const isLast = at + 16_384 >= block.length;
    const type = at === 0 ? frameTypes.headers : frameTypes.continuation;
    const flags = (isLast ? endHeaders : 0) | (at === 0 ? endStream : 0);
    request.connection.frame(type, flags, request.id, block.subarray(at, at + 16_384));
  }
}

/** Headers, and a message of 1 000 bytes of which one comes every 20 ms. */
export function trickleBody(request: PeerRequest): void {
  request.headers();
  request.data(Buffer.from([0, 0, 0, 0x03, 0xe8]));
  trickle(request, () => request.data(Buffer.alloc(1)));
}

/** HEADERS of 1 000 bytes, of which one comes every 20 ms. */
export function trickleHeaders(request: PeerRequest): void {
  const bytes = Buffer.alloc(9 + 1_000);
  bytes.writeUIntBE(1_000, 0, 3);
  bytes[3] = frameTypes.headers;
  bytes[4] = endHeaders;
  bytes.writeUInt32BE(request.id, 5);
  let at = 0;
  trickle(request, () => request.connection.write(bytes.subarray(at, ++at)));
}

function trickle({ connection }: PeerRequest, sendByte: () => void): void {
  const timer = setInterval(sendByte, 20);
  connection.socket.once("close", () => clearInterval(timer));
}
