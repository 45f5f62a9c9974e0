import { Code } from "@connectrpc/connect";
import type { Failure, WireStatus } from "../../base/errors.ts";
import { peerText } from "../../base/peer-text.ts";
import { describeCause } from "../../base/thrown.ts";
import type { HeaderFields } from "../../http2/connection.ts";
import { compressedFlag, MessageReader, tooLargeText } from "../framing.ts";
import { codeFromHttpStatus, fieldOf } from "../grpc/status.ts";
import { noFields } from "../metadata.ts";
import type { MessageListener, ReadLimits, ResponseReader } from "../protocol.ts";
import type { ProtocolSettings } from "../protocol-settings.ts";
import { readEndOfStream } from "./end-of-stream.ts";

/** The bit of a message's flag that says: this is the end. */
const endFlag = 0x02;

/** One response of a streaming call by the Connect protocol: messages with prefixes, the last of which is the status. */
export class ConnectStreamResponse extends MessageReader implements ResponseReader {
  headers: HeaderFields = noFields;
  trailers: HeaderFields = noFields;
  readonly pushback: undefined;
  readonly #settings: ProtocolSettings;
  readonly #address: string;
  #messages = 0;
  #end: { readonly isCompressed: boolean; readonly bytes: Uint8Array } | undefined;

  constructor(settings: ProtocolSettings, { readMaxBytes, messageMemory }: ReadLimits, address: string) {
    super(readMaxBytes, messageMemory);
    this.#settings = settings;
    this.#address = address;
  }

  get messageStarted(): boolean {
    return this.#messages > 0 || (this.#end === undefined && this.started);
  }

  readHead(status: number, fields: HeaderFields): Failure | undefined {
    this.headers = fields;
    if (status !== 200) return this.#failure("http-status", codeFromHttpStatus(status), `HTTP ${status}`);
    const contentType = fieldOf(fields, "content-type");
    if (contentType === `application/connect+${this.#settings.messageFormat}`) return undefined;
    const shown = contentType === undefined ? "(none)" : peerText(contentType);
    const isConnect = contentType !== undefined && /^application\/(?:connect\+)?(?:proto|json)/i.test(contentType);
    const hint = isConnect ? "the server answered in another format" : "the server did not answer with Connect";
    return this.#failure(
      "protocol",
      isConnect ? Code.Internal : Code.Unknown,
      `unsupported content type ${shown}: ${hint}`,
    );
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
    if (tooLargeBytes === undefined) return undefined;
    const message = tooLargeText(tooLargeBytes, "readMaxBytes", this.maxBytes);
    return this.#failure("message-size", Code.ResourceExhausted, message);
  }

  readEnd(): Failure | undefined | Promise<Failure | undefined> {
    const end = this.#end;
    if (end === undefined) {
      return this.#failure("protocol", Code.Internal, "protocol error: the response ended without its status");
    }
    if (!end.isCompressed) return this.#statusOf(end.bytes);
    return this.#settings.inflateEnd(fieldOf(this.headers, "connect-content-encoding"), end.bytes).then(
      (plain) => this.#statusOf(plain),
      (error: unknown) =>
        this.#failure("encoding", Code.Internal, `the status cannot be read: ${describeCause(error)}`),
    );
  }

  #statusOf(bytes: Uint8Array): Failure | undefined {
    const end = readEndOfStream(bytes, Code.Unknown);
    if (end === undefined)
      return this.#failure("protocol", Code.Unknown, "protocol error: the status is not JSON as Connect has it");
    this.trailers = end.metadata;
    if (end.error === undefined) return undefined;
    const { code, message, details } = end.error;
    const wire: WireStatus = { metadata: [...this.headers, ...end.metadata], details, isWireError: true };
    return { kind: "status", code, progress: "unknown", message, address: this.#address, wire };
  }

  #failure(kind: Failure["kind"], code: Code, message: string): Failure {
    const wire: WireStatus = { metadata: this.headers, details: [], isWireError: false };
    return { kind, code, progress: "unknown", message, address: this.#address, wire };
  }
}
