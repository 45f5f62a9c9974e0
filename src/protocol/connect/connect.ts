import type { MethodSpec } from "../../base/method-spec.ts";
import type { HeaderFields, MethodHead } from "../../http2/connection.ts";
import { frameMessage, prefixBytes } from "../framing.ts";
import type { HeadInit, Protocol } from "../protocol.ts";
import type { ProtocolSettings } from "../protocol-settings.ts";
import { fieldOf } from "../received-fields.ts";
import { getPath } from "./get-path.ts";
import { ConnectStreamResponse } from "./stream-response.ts";
import { ConnectUnaryResponse } from "./unary-response.ts";

/** The largest value that `connect-timeout-ms` can carry: ten digits. */
const longestTimeoutMs = 9_999_999_999;

/** A path that is longer goes as POST: servers and proxies refuse URLs of more than 8 KiB as a rule. */
const longestPath = 8_000;

/** Where the two forms of the protocol name their compressions. */
const unaryNames = { encoding: "content-encoding", accept: "accept-encoding" } as const;
const streamNames = { encoding: "connect-content-encoding", accept: "connect-accept-encoding" } as const;

/** The Connect protocol over HTTP/2 (connectrpc.com/docs/protocol): plain HTTP for unary calls, prefixed messages for others. */
export function connect(settings: ProtocolSettings): Protocol {
  return {
    name: "connect",
    inBinary: () => connect({ ...settings, messageFormat: "proto" }),
    ownNames: new Set([
      "content-type",
      "connect-protocol-version",
      "connect-timeout-ms",
      ...Object.values(unaryNames),
      ...Object.values(streamNames),
    ]),
    head,
    compressedHead: (method, head, encoding) =>
      isUnary(method) ? { ...head, fields: [...head.fields, unaryNames.encoding, encoding] } : head,
    bodiless: settings.useHttpGet
      ? (method, head, message, encoding) => getHead(settings, method, { head, message, encoding })
      : undefined,
    frame: (method, payload, flag, memory) => (isUnary(method) ? payload : frameMessage(payload, flag, memory)),
    framingBytes: (method) => (isUnary(method) ? 0 : prefixBytes),
    attemptFields,
    timeoutField: (timeoutMs) => ["connect-timeout-ms", timeoutText(timeoutMs)],
    encodingOf: (method, headers) => fieldOf(headers, (isUnary(method) ? unaryNames : streamNames).encoding),
    reader: (method, limits, address) =>
      isUnary(method)
        ? new ConnectUnaryResponse(settings, limits, address)
        : new ConnectStreamResponse(settings, limits, address),
  };
}

function isUnary({ singleRequest, singleResponse }: MethodSpec): boolean {
  return singleRequest && singleResponse;
}

function head({ method, path, userAgent, messageFormat, sendEncoding, acceptEncodings }: HeadInit): MethodHead {
  const unary = isUnary(method);
  const names = unary ? unaryNames : streamNames;
  const type = unary ? `application/${messageFormat}` : `application/connect+${messageFormat}`;
  const fields = ["content-type", type, "connect-protocol-version", "1", "user-agent", userAgent];
  // A unary request says it only where its message is compressed: of its compressedHead.
  if (sendEncoding !== undefined && !unary) fields.push(names.encoding, sendEncoding);
  if (acceptEncodings.length > 0) fields.push(names.accept, acceptEncodings.join(","));
  return { path, fields };
}

interface GetParts {
  readonly head: MethodHead;
  readonly message: Uint8Array;
  readonly encoding: string | undefined;
}

function getHead({ messageFormat }: ProtocolSettings, method: MethodSpec, parts: GetParts): MethodHead | undefined {
  if (!isUnary(method) || method.idempotency !== "no-side-effects") return undefined;
  const { head, message, encoding } = parts;
  if (message.length > longestPath) return undefined;
  const path = getPath({ path: head.path, message, messageFormat, encoding });
  if (path.length > longestPath) return undefined;
  const fields = fieldsOfGet(head.fields);
  return { httpMethod: "GET", path, fields, isOfOneCall: true };
}

/** A GET has no body to describe, and the query names the version. */
function fieldsOfGet(fields: HeaderFields): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name === "user-agent" || name === "accept-encoding") kept.push(name, fields[i + 1] as string);
  }
  return kept;
}

/** The protocol has no place for the number of earlier attempts. */
function attemptFields(metadata: HeaderFields, added: HeaderFields | undefined, remainingMs: number): HeaderFields {
  const hasDeadline = remainingMs !== Number.POSITIVE_INFINITY;
  if (!hasDeadline && added === undefined) return metadata;
  const fields = added === undefined ? [...metadata] : [...metadata, ...added];
  if (hasDeadline) fields.push("connect-timeout-ms", timeoutText(remainingMs));
  return fields;
}

/** Rounded up, so that the server's deadline is never before our own. */
function timeoutText(remainingMs: number): string {
  return String(Math.min(longestTimeoutMs, Math.max(1, Math.ceil(remainingMs))));
}
