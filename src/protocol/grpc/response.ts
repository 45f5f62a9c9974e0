import { Code } from "@connectrpc/connect";
import type { Failure } from "../../base/errors.ts";
import type { HeaderFields } from "../../http2/connection.ts";
import { brokenResponse, tooLargeFailure } from "../broken-response.ts";
import { MessageReader } from "../framing.ts";
import { noFields } from "../metadata.ts";
import type { MessageListener, ReadLimits, ResponseReader } from "../protocol.ts";
import { fieldOf } from "../received-fields.ts";
import { grpcContentType, headFailure, readStatus } from "./status.ts";

/**
 * One gRPC response: headers, length-prefixed messages, and the status in the trailers. It is its own message reader, so
 * that an attempt has one object for both.
 */
export class GrpcResponse extends MessageReader implements ResponseReader {
  headers: HeaderFields = noFields;
  trailers: HeaderFields = noFields;
  readonly address: string;

  constructor({ readMaxBytes, messageMemory }: ReadLimits, address: string) {
    super(readMaxBytes, messageMemory);
    this.address = address;
  }

  get messageStarted(): boolean {
    return this.started;
  }

  /** `grpc-retry-pushback-ms` (gRFC A6). */
  get pushback(): number | "stop" | undefined {
    const name = "grpc-retry-pushback-ms";
    const text = fieldOf(this.trailers, name) ?? fieldOf(this.headers, name);
    if (text === undefined) return undefined;
    if (!/^\d{1,10}$/.test(text)) return "stop";
    const ms = Number(text);
    // A6: an int32; what does not fit is not a wait.
    return ms < 2 ** 31 ? ms : "stop";
  }

  readHead(status: number, fields: HeaderFields): Failure | undefined {
    this.headers = fields;
    // The usual one first: a comparison is cheaper than a match, and this is every call's path.
    const contentType = fieldOf(fields, "content-type");
    const isUsual = contentType === "application/grpc" || contentType === "application/grpc+proto";
    if (status === 200 && isUsual) return undefined;
    return headFailure(status, fields, this.address, grpcContentType);
  }

  readBody(bytes: Uint8Array, start: number, end: number, listener: MessageListener): Failure | undefined {
    const tooLargeBytes = this.push(bytes, start, end, listener);
    return tooLargeBytes === undefined ? undefined : tooLargeFailure(this, tooLargeBytes, this.maxBytes);
  }

  readEnd(trailers: HeaderFields): Failure | undefined | Promise<Failure | undefined> {
    return this.statusOf(trailers);
  }

  /** What the response came to, by its trailers. */
  protected statusOf(trailers: HeaderFields): Failure | undefined {
    this.trailers = trailers;
    const { headers } = this;
    let result = readStatus(trailers, headers, this.address);
    // Trailers-only. A proxy may end such a response with an empty DATA frame instead of with its headers.
    if (!result.found && !this.started) result = readStatus(headers, noFields, this.address);
    if (!result.found) return brokenResponse(this, "protocol", Code.Internal, "protocol error: missing status");
    if (result.failure !== undefined || this.isAtBoundary) return result.failure;
    return brokenResponse(this, "protocol", Code.Internal, "protocol error: the response ended within a message");
  }
}
