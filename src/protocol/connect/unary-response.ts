import { Code } from "@connectrpc/connect";
import type { Failure, WireStatus } from "../../base/errors.ts";
import { peerText } from "../../base/peer-text.ts";
import { describeCause } from "../../base/thrown.ts";
import type { HeaderFields } from "../../http2/connection.ts";
import { compressedFlag, tooLargeText } from "../framing.ts";
import { codeFromHttpStatus, fieldOf } from "../grpc/status.ts";
import { noFields } from "../metadata.ts";
import type { MessageListener, ReadLimits, ResponseReader } from "../protocol.ts";
import type { ProtocolSettings } from "../protocol-settings.ts";
import { parseJson, readErrorJson } from "./error-json.ts";
import { retryAfterMs } from "./retry-after.ts";

/** How trailers are told apart from the headers that they travel among. */
const trailerPrefix = "trailer-";

const jsonType = /^application\/json(?:; ?charset=utf-?8)?$/i;

/** An error that is larger than this is cut off: no server's own is. */
const errorMaxBytes = 1_048_576;

/** What the head of a response announces: a message, or an error. */
type Expected = { readonly what: "message" } | { readonly what: "error"; readonly code: Code };

/**
 * One response of a unary call by the Connect protocol: plain HTTP, the message as it is, or an error in JSON with a status
 * that says so to those who know HTTP alone.
 */
export class ConnectUnaryResponse implements ResponseReader {
  headers: HeaderFields = noFields;
  trailers: HeaderFields = noFields;
  readonly #settings: ProtocolSettings;
  readonly #limits: ReadLimits;
  readonly #address: string;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #expected: Expected = { what: "message" };

  constructor(settings: ProtocolSettings, limits: ReadLimits, address: string) {
    this.#settings = settings;
    this.#limits = limits;
    this.#address = address;
  }

  get messageStarted(): boolean {
    return this.#expected.what === "message" && this.#bytes > 0;
  }

  /** RFC 9110 §10.2.3, of an answer that is an error. */
  get pushback(): number | "stop" | undefined {
    return this.#expected.what === "error" ? retryAfterMs(fieldOf(this.headers, "retry-after")) : undefined;
  }

  readHead(status: number, fields: HeaderFields): Failure | undefined {
    this.#split(fields);
    const contentType = fieldOf(fields, "content-type");
    if (status !== 200) {
      const code = codeFromHttpStatus(status);
      if (contentType === undefined || !jsonType.test(contentType))
        return this.#failure("http-status", code, `HTTP ${status}`);
      this.#expected = { what: "error", code };
      return undefined;
    }
    const isWanted =
      this.#settings.messageFormat === "proto"
        ? contentType === "application/proto"
        : contentType !== undefined && jsonType.test(contentType);
    if (isWanted) return undefined;
    const shown = contentType === undefined ? "(none)" : peerText(contentType);
    const isConnect = contentType !== undefined && /^application\/(?:connect\+)?(?:proto|json)/i.test(contentType);
    const hint = isConnect ? "the server answered in another format" : "the server did not answer with Connect";
    return this.#failure(
      "protocol",
      isConnect ? Code.Internal : Code.Unknown,
      `unsupported content type ${shown}: ${hint}`,
    );
  }

  readBody(bytes: Uint8Array, start: number, end: number, _listener: MessageListener): Failure | undefined {
    this.#bytes += end - start;
    const isError = this.#expected.what === "error";
    const maxBytes = isError ? errorMaxBytes : this.#limits.readMaxBytes;
    if (this.#bytes > maxBytes) {
      if (isError) return this.#failure("protocol", Code.Unknown, `an error of more than ${maxBytes} bytes`);
      return this.#failure("message-size", Code.ResourceExhausted, tooLargeText(this.#bytes, "readMaxBytes", maxBytes));
    }
    if (end > start) this.#pieces.push(bytes.slice(start, end));
    return undefined;
  }

  readEnd(_trailers: HeaderFields, listener: MessageListener): Failure | undefined | Promise<Failure | undefined> {
    const body = this.#body();
    const encoding = fieldOf(this.headers, "content-encoding");
    const isCompressed = encoding !== undefined && encoding.toLowerCase() !== "identity";
    const expected = this.#expected;
    if (expected.what === "message") {
      listener.onMessage(isCompressed ? compressedFlag : 0, body);
      return undefined;
    }
    if (!isCompressed) return this.#errorOf(body, expected.code);
    return this.#settings.inflateEnd(encoding, body).then(
      (plain) => this.#errorOf(plain, expected.code),
      (error: unknown) => this.#failure("encoding", expected.code, `the error cannot be read: ${describeCause(error)}`),
    );
  }

  #body(): Uint8Array {
    const [first] = this.#pieces;
    if (this.#pieces.length === 1 && first !== undefined) return first;
    const body = this.#limits.messageMemory.allocate(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      body.set(piece, at);
      at += piece.length;
    }
    return body;
  }

  #errorOf(body: Uint8Array, code: Code): Failure {
    const error = readErrorJson(parseJson(body), code);
    if (error === undefined)
      return this.#failure("http-status", code, `HTTP error with a body that is no Connect error`);
    const wire: WireStatus = {
      metadata: [...this.headers, ...this.trailers],
      details: error.details,
      isWireError: true,
    };
    return {
      kind: "status",
      code: error.code,
      progress: "unknown",
      message: error.message,
      address: this.#address,
      wire,
    };
  }

  /** Trailers travel among the headers, under names of their own. */
  #split(fields: HeaderFields): void {
    this.headers = fields;
    if (!fields.some((text, i) => i % 2 === 0 && text.startsWith(trailerPrefix))) return;
    const headers: string[] = [];
    const trailers: string[] = [];
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = fields[i] as string;
      const value = fields[i + 1] as string;
      if (name.startsWith(trailerPrefix)) trailers.push(name.slice(trailerPrefix.length), value);
      else headers.push(name, value);
    }
    this.headers = headers;
    this.trailers = trailers;
  }

  #failure(kind: Failure["kind"], code: Code, message: string): Failure {
    const wire: WireStatus = { metadata: this.headers, details: [], isWireError: false };
    return { kind, code, progress: "unknown", message, address: this.#address, wire };
  }
}
