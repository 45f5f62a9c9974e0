import { Code } from "@connectrpc/connect";
import type { Failure, WireStatus } from "../../base/errors.ts";
import { describeCause } from "../../base/thrown.ts";
import type { HeaderFields } from "../../http2/connection.ts";
import { brokenResponse, contentTypeFailure, httpFailure, tooLargeFailure } from "../broken-response.ts";
import { compressedFlag } from "../framing.ts";
import { codeFromHttpStatus } from "../http-status.ts";
import { noFields } from "../metadata.ts";
import type { MessageListener, ReadLimits, ResponseReader } from "../protocol.ts";
import type { ProtocolSettings } from "../protocol-settings.ts";
import { fieldOf } from "../received-fields.ts";
import { Body } from "./body.ts";
import { isOfConnect, unaryJson, unaryType } from "./content-types.ts";
import { parseJson, readErrorJson } from "./error-json.ts";
import { retryAfterMs } from "./retry-after.ts";
import { splitTrailers } from "./trailer-fields.ts";

/** No server's own error is larger. */
const errorMaxBytes = 1_048_576;

/**
 * One response of a unary call by the Connect protocol: plain HTTP, the message as it is, or an error in JSON with an HTTP
 * status that says so to those who know HTTP alone.
 */
export class ConnectUnaryResponse implements ResponseReader {
  headers: HeaderFields = noFields;
  trailers: HeaderFields = noFields;
  readonly address: string;
  readonly #settings: ProtocolSettings;
  readonly #limits: ReadLimits;
  #status = 0;
  #body: Body | undefined;

  constructor(settings: ProtocolSettings, limits: ReadLimits, address: string) {
    this.#settings = settings;
    this.#limits = limits;
    this.address = address;
  }

  get messageStarted(): boolean {
    return this.#status === 200 && this.#body !== undefined && this.#body.length > 0;
  }

  /** Of whoever answered with an error: the server, or a proxy that sheds load. */
  get pushback(): number | "stop" | undefined {
    return this.#status === 200 ? undefined : retryAfterMs(fieldOf(this.headers, "retry-after"));
  }

  readHead(status: number, fields: HeaderFields): Failure | undefined {
    this.#status = status;
    [this.headers, this.trailers] = splitTrailers(fields);
    const contentType = fieldOf(fields, "content-type") ?? "";
    const length = fieldOf(fields, "content-length");
    const announcedBytes = length === undefined ? undefined : Number(length);
    this.#body = new Body(this.#limits.messageMemory, announcedBytes);
    if (status !== 200) return unaryJson.test(contentType) ? undefined : httpFailure(this, status);
    if (unaryType(this.#settings.messageFormat).test(contentType)) return this.#sizeFailure(announcedBytes ?? 0);
    return isOfConnect(contentType)
      ? contentTypeFailure(this, Code.Internal, "the server answered in another format")
      : contentTypeFailure(this, Code.Unknown, "the server did not answer with Connect");
  }

  readBody(bytes: Uint8Array, start: number, end: number): Failure | undefined {
    const body = this.#body as Body;
    const failure = this.#sizeFailure(body.length + end - start);
    if (failure === undefined) body.push(bytes, start, end);
    return failure;
  }

  readEnd(_: HeaderFields, listener: MessageListener): Failure | undefined | Promise<Failure | undefined> {
    const body = (this.#body as Body).take();
    const encoding = fieldOf(this.headers, "content-encoding");
    const isCompressed = encoding !== undefined && encoding.toLowerCase() !== "identity";
    if (this.#status === 200) {
      listener.onMessage(isCompressed ? compressedFlag : 0, body);
      return undefined;
    }
    if (!isCompressed) return this.#errorOf(body);
    return this.#settings.inflateEnd(encoding, body).then(
      (plain) => this.#errorOf(plain),
      (error: unknown) => {
        const text = `HTTP ${this.#status} with an error that cannot be read: ${describeCause(error)}`;
        return brokenResponse(this, "encoding", codeFromHttpStatus(this.#status), text);
      },
    );
  }

  #sizeFailure(bytes: number): Failure | undefined {
    const { readMaxBytes } = this.#limits;
    if (this.#status === 200) return bytes > readMaxBytes ? tooLargeFailure(this, bytes, readMaxBytes) : undefined;
    return bytes > errorMaxBytes ? httpFailure(this, this.#status) : undefined;
  }

  #errorOf(body: Uint8Array): Failure {
    const error = readErrorJson(parseJson(body), codeFromHttpStatus(this.#status));
    if (error === undefined) return httpFailure(this, this.#status);
    const { code, message, details } = error;
    const wire: WireStatus = { metadata: [...this.headers, ...this.trailers], details, isWireError: true };
    return { kind: "status", code, progress: "unknown", message, address: this.address, wire };
  }
}
