import { Code } from "@connectrpc/connect";
import type { Failure, WireStatus } from "../../base/errors.ts";
import { describeCause } from "../../base/thrown.ts";
import type { HeaderFields } from "../../http2/connection.ts";
import { brokenResponse, contentTypeFailure, httpFailure, tooLargeFailure } from "../broken-response.ts";
import { compressedFlag, MessageReader } from "../framing.ts";
import { noFields } from "../metadata.ts";
import type { MessageListener, ReadLimits, ResponseReader } from "../protocol.ts";
import type { ProtocolSettings } from "../protocol-settings.ts";
import { fieldOf } from "../received-fields.ts";
import { isOfConnect, streamType } from "./content-types.ts";
import { readEndOfStream } from "./end-of-stream.ts";
import { retryAfterMs } from "./retry-after.ts";

/** The bit of a message's flag that says: this is the end. */
const endFlag = 0x02;

/** One response of a streaming call by the Connect protocol: messages with prefixes, the last of which is the status. */
export class ConnectStreamResponse extends MessageReader implements ResponseReader {
  headers: HeaderFields = noFields;
  trailers: HeaderFields = noFields;
  readonly address: string;
  readonly #settings: ProtocolSettings;
  #status = 0;
  #messages = 0;
  #end: { readonly isCompressed: boolean; readonly bytes: Uint8Array } | undefined;

  constructor(settings: ProtocolSettings, { readMaxBytes, messageMemory }: ReadLimits, address: string) {
    super(readMaxBytes, messageMemory);
    this.#settings = settings;
    this.address = address;
  }

  /** Whole messages: one that has begun may be the end. */
  get messageStarted(): boolean {
    return this.#messages > 0;
  }

  /** Of a proxy that sheds load: a server's own status has no place for it. */
  get pushback(): number | "stop" | undefined {
    return this.#status === 200 ? undefined : retryAfterMs(fieldOf(this.headers, "retry-after"));
  }

  readHead(status: number, fields: HeaderFields): Failure | undefined {
    this.#status = status;
    this.headers = fields;
    if (status !== 200) return httpFailure(this, status);
    const contentType = fieldOf(fields, "content-type") ?? "";
    if (streamType(this.#settings.messageFormat).test(contentType)) return undefined;
    return isOfConnect(contentType)
      ? contentTypeFailure(this, Code.Internal, "the server answered in another format")
      : contentTypeFailure(this, Code.Unknown, "the server did not answer with Connect");
  }

  readBody(bytes: Uint8Array, start: number, end: number, listener: MessageListener): Failure | undefined {
    const tooLargeBytes = this.push(bytes, start, end, {
      onMessage: (flag, payload) => {
        if ((flag & endFlag) === 0) {
          this.#messages++;
          return listener.onMessage(flag, payload);
        }
        this.#end = { isCompressed: (flag & compressedFlag) !== 0, bytes: payload };
        return false;
      },
    });
    return tooLargeBytes === undefined ? undefined : tooLargeFailure(this, tooLargeBytes, this.maxBytes);
  }

  readEnd(): Failure | undefined | Promise<Failure | undefined> {
    const end = this.#end;
    if (end === undefined) {
      const where = this.isAtBoundary ? "without its status" : "within a message";
      return brokenResponse(this, "protocol", Code.Internal, `protocol error: the response ended ${where}`);
    }
    if (!end.isCompressed) return this.#statusOf(end.bytes);
    return this.#settings.inflateEnd(fieldOf(this.headers, "connect-content-encoding"), end.bytes).then(
      (plain) => this.#statusOf(plain),
      (error: unknown) =>
        brokenResponse(this, "encoding", Code.Internal, `the status cannot be read: ${describeCause(error)}`),
    );
  }

  #statusOf(bytes: Uint8Array): Failure | undefined {
    const end = readEndOfStream(bytes, Code.Unknown);
    if (end === undefined) {
      return brokenResponse(this, "protocol", Code.Unknown, "protocol error: the status is not JSON as Connect has it");
    }
    this.trailers = end.metadata;
    if (end.error === undefined) return undefined;
    const { code, message, details } = end.error;
    const wire: WireStatus = { metadata: [...this.headers, ...end.metadata], details, isWireError: true };
    return { kind: "status", code, progress: "unknown", message, address: this.address, wire };
  }
}
