import { BinaryReader, base64Decode, WireType } from "@bufbuild/protobuf/wire";
import { Code } from "@connectrpc/connect";
import type { Failure, WireStatus } from "../../base/errors.ts";
import { peerText } from "../../base/peer-text.ts";
import type { HeaderFields } from "../../http2/connection.ts";
import { contentTypeFailure, httpFailure } from "../broken-response.ts";
import { noFields } from "../metadata.ts";
import { fieldOf } from "../received-fields.ts";

/** `application/grpc`, with `+proto` or `+json`; a charset may follow json. */
export const grpcContentType: RegExp = /^application\/grpc(?:\+proto|\+json(?:; ?charset=utf-?8)?)?$/i;

/** What is wrong with a response's head, if anything is. `wanted`: what its content type has to match. */
export function headFailure(
  status: number,
  fields: HeaderFields,
  address: string,
  wanted: RegExp,
): Failure | undefined {
  const response = { headers: fields, address };
  const contentType = fieldOf(fields, "content-type");
  const isWanted = contentType !== undefined && wanted.test(contentType);
  if (status !== 200) {
    // http-grpc-status-mapping.md: a status of gRPC's own counts. Envoy answers so in a server's stead.
    const own = isWanted ? readStatus(fields, noFields, address) : notFound;
    return own.found && own.failure !== undefined ? own.failure : httpFailure(response, status);
  }
  if (isWanted) return undefined;
  return contentTypeFailure(response, Code.Unknown, "the server did not answer with gRPC");
}

/** What a list of fields says about the call's end. */
export type StatusResult = { readonly found: false } | { readonly found: true; readonly failure: Failure | undefined };

const notFound: StatusResult = { found: false };
const ok: StatusResult = { found: true, failure: undefined };

/**
 * Reads grpc-status, grpc-message and grpc-status-details-bin from trailers, or from the headers of a trailers-only
 * response. An error shows these fields and the `others`: headers and trailers together. Never throws, whatever the peer
 * sent.
 */
export function readStatus(fields: HeaderFields, others: HeaderFields, address: string): StatusResult {
  const text = fieldOf(fields, "grpc-status");
  const bin = fieldOf(fields, "grpc-status-details-bin");
  if (text === "0" && bin === undefined) return ok;
  const rich = bin === undefined ? undefined : readRichStatus(bin);
  if (rich !== undefined && rich.code in Code) {
    const { code, message, details } = rich;
    return {
      found: true,
      failure: statusFailure(code, message, { metadata: [...fields, ...others], details, isWireError: true }, address),
    };
  }
  if (text === undefined) return notFound;
  if (text === "0") return ok;
  const wire: WireStatus = { metadata: [...fields, ...others], details: [], isWireError: true };
  // The code is decimal without leading zeros; anything else is a broken server.
  const code = /^[1-9][0-9]?$/.test(text) ? Number(text) : 0;
  if (!(code in Code)) {
    return {
      found: true,
      failure: statusFailure(Code.Internal, `invalid grpc-status: ${peerText(text)}`, wire, address),
    };
  }
  const message = percentDecode(fieldOf(fields, "grpc-message") ?? "");
  return { found: true, failure: statusFailure(code, message, wire, address) };
}

function statusFailure(code: Code, message: string, wire: WireStatus, address: string): Failure {
  return { kind: "status", code, progress: "unknown", message, address, wire };
}

/** Decodes grpc-message. What is not valid percent-encoding, or not UTF-8 behind it, stays readable instead of failing. */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // PROTOCOL-HTTP2.md: a decoder must not discard the message; undecodable bytes become U+FFFD.
    const bytes: number[] = [];
    const source = Buffer.from(text, "utf8");
    for (let i = 0; i < source.length; i++) {
      const hex = source.toString("latin1", i + 1, i + 3);
      if (source[i] === 0x25 && /^[0-9a-f]{2}$/i.test(hex)) {
        bytes.push(Number.parseInt(hex, 16));
        i += 2;
      } else {
        bytes.push(source[i] as number);
      }
    }
    return Buffer.from(bytes).toString("utf8");
  }
}

interface RichStatus {
  code: number;
  message: string;
  readonly details: { readonly type: string; readonly value: Uint8Array<ArrayBuffer> }[];
}

/** Decodes a google.rpc.Status: code 1, message 2, details 3. Undefined where it is not one. */
function readRichStatus(base64: string): RichStatus | undefined {
  const status: RichStatus = { code: 0, message: "", details: [] };
  try {
    const reader = new BinaryReader(base64Decode(base64));
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === 1 && wireType === WireType.Varint) status.code = reader.int32();
      else if (field === 2 && wireType === WireType.LengthDelimited) status.message = reader.string();
      else if (field === 3 && wireType === WireType.LengthDelimited) status.details.push(readAny(reader.bytes()));
      else reader.skip(wireType, field);
    }
  } catch {
    // Broken details must not hide the status itself: grpc-status and grpc-message decide then.
    return undefined;
  }
  return status;
}

/** Decodes a google.protobuf.Any: type_url 1, value 2. */
function readAny(bytes: Uint8Array): RichStatus["details"][number] {
  const reader = new BinaryReader(bytes);
  let type = "";
  let value: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) {
      const url = reader.string();
      type = url.slice(url.lastIndexOf("/") + 1);
    } else if (field === 2 && wireType === WireType.LengthDelimited) value = new Uint8Array(reader.bytes());
    else reader.skip(wireType, field);
  }
  return { type, value };
}
