import { Code } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import { peerText } from "../base/peer-text.ts";
import type { HeaderFields } from "../http2/connection.ts";
import { tooLargeText } from "./framing.ts";
import { codeFromHttpStatus, httpStatusAdvice } from "./http-status.ts";
import { fieldOf } from "./received-fields.ts";

/** A response that holds no status of its server's. */
export interface BrokenResponse {
  readonly headers: HeaderFields;
  /** Of the backend. */
  readonly address: string;
}

type BrokenKind = "http-status" | "protocol" | "message-size" | "encoding";

/** What we say in place of the status that did not come. */
export function brokenResponse(
  { headers, address }: BrokenResponse,
  kind: BrokenKind,
  code: Code,
  message: string,
): Failure {
  const wire = { metadata: headers, details: [], isWireError: false };
  return { kind, code, progress: "unknown", message, address, wire };
}

/** An HTTP status that says failure, and nothing else that does: a proxy's answer, as a rule, or a web server's. */
export function httpFailure(response: BrokenResponse, status: number): Failure {
  const contentType = fieldOf(response.headers, "content-type");
  const what = contentType === undefined ? `HTTP ${status}` : `HTTP ${status} with ${peerText(contentType)}`;
  const advice = httpStatusAdvice(status, fieldOf(response.headers, "location"));
  const message = advice === undefined ? what : `${what}: ${advice}`;
  return brokenResponse(response, "http-status", codeFromHttpStatus(status), message);
}

/** HTTP 200 with a body of another type than the protocol's. `hint`: whose it may be. */
export function contentTypeFailure(response: BrokenResponse, code: Code, hint: string): Failure {
  const contentType = fieldOf(response.headers, "content-type");
  const shown = contentType === undefined ? "(none)" : peerText(contentType);
  return brokenResponse(response, "protocol", code, `unsupported content type ${shown}: ${hint}`);
}

/** A message above `readMaxBytes`. */
export function tooLargeFailure(response: BrokenResponse, bytes: number, readMaxBytes: number): Failure {
  const message = tooLargeText(bytes, "readMaxBytes", readMaxBytes);
  return brokenResponse(response, "message-size", Code.ResourceExhausted, message);
}
