import { Code } from "@connectrpc/connect";
import type { Failure } from "../../base/errors.ts";
import { describeCause } from "../../base/thrown.ts";
import type { HeaderFields } from "../../http2/connection.ts";
import { brokenResponse } from "../broken-response.ts";
import { compressedFlag } from "../framing.ts";
import { GrpcResponse } from "../grpc/response.ts";
import { headFailure } from "../grpc/status.ts";
import { noFields } from "../metadata.ts";
import type { MessageListener, ReadLimits } from "../protocol.ts";
import type { ProtocolSettings } from "../protocol-settings.ts";
import { fieldOf } from "../received-fields.ts";
import { readTrailerBlock } from "./trailer-block.ts";

/** The bit of a message's flag that says: these are the trailers, and the end. */
const trailersFlag = 0x80;

/** `application/grpc-web`, with `+proto` or `+json`; not its text form, which is base64. */
const grpcWebContentType = /^application\/grpc-web(?:\+proto|\+json(?:; ?charset=utf-?8)?)?$/i;

/** As a response of gRPC, with its trailers as the last message of the body. */
export class GrpcWebResponse extends GrpcResponse {
  readonly #settings: ProtocolSettings;
  #messages = 0;
  #trailers: { readonly isCompressed: boolean; readonly bytes: Uint8Array } | undefined;

  constructor(settings: ProtocolSettings, limits: ReadLimits, address: string) {
    super(limits, address);
    this.#settings = settings;
  }

  override get messageStarted(): boolean {
    return this.#messages > 0 || (this.#trailers === undefined && super.messageStarted);
  }

  override readHead(status: number, fields: HeaderFields): Failure | undefined {
    this.headers = fields;
    return headFailure(status, fields, this.address, grpcWebContentType);
  }

  override readBody(bytes: Uint8Array, start: number, end: number, listener: MessageListener): Failure | undefined {
    return super.readBody(bytes, start, end, {
      onMessage: (flag, payload) => {
        if ((flag & trailersFlag) === 0) {
          this.#messages++;
          return listener.onMessage(flag, payload);
        }
        this.#trailers = { isCompressed: (flag & compressedFlag) !== 0, bytes: payload };
        return false;
      },
    });
  }

  override readEnd(): Failure | undefined | Promise<Failure | undefined> {
    const block = this.#trailers;
    if (block === undefined) return this.#trailersOnly();
    if (!block.isCompressed) return this.statusOf(readTrailerBlock(block.bytes));
    const encoding = fieldOf(this.headers, "grpc-encoding");
    return this.#settings.inflateEnd(encoding, block.bytes).then(
      (plain) => this.statusOf(readTrailerBlock(plain)),
      (error: unknown) =>
        brokenResponse(this, "encoding", Code.Internal, `the trailers cannot be read: ${describeCause(error)}`),
    );
  }

  /** The headers may be the trailers, too: those of HTTP/2 are not read. */
  #trailersOnly(): Failure | undefined {
    const failure = this.statusOf(noFields);
    if (failure === undefined) this.trailers = this.headers;
    return failure;
  }
}
