import { Code, ConnectError } from "@connectrpc/connect";

/** No metadata: shared, because most calls have none. */
export const noFields: readonly string[] = Object.freeze([]);

/**
 * Names that the gRPC protocol or HTTP/2 owns. What a user gives for them is ignored, as createGrpcTransport overrides
 * it, or forbidden in HTTP/2 anyway (RFC 9113 §8.2.2).
 */
const owned = new Set([
  "content-type",
  "te",
  "grpc-timeout",
  "grpc-encoding",
  "grpc-accept-encoding",
  "grpc-previous-rpc-attempts",
  "content-length",
  "connection",
  "host",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Field names as RFC 9110 §5.1 has them. */
const validName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Values: visible ASCII, space, tab, and bytes above 0x7f as Latin-1. No NUL, no line break. */
const invalidValue = /[^\t\x20-\x7e\x80-\xff]/;

/** A call's metadata: the flat list that goes on the wire, and the caller's own user agent if one was given. */
export interface CallMetadata {
  readonly fields: readonly string[];
  readonly userAgent: string | undefined;
}

const noMetadata: CallMetadata = { fields: noFields, userAgent: undefined };

/**
 * Reads a caller's headers into a flat list of lower-case names and values. Throws a ConnectError with
 * InvalidArgument that names a field HTTP/2 cannot carry: that call fails, and no other.
 */
export function readMetadata(init: HeadersInit | undefined): CallMetadata {
  if (init === undefined) return noMetadata;
  const fields: string[] = [];
  let userAgent: string | undefined;
  const add = (name: string, value: string) => {
    const lower = name.toLowerCase();
    const text = String(value).trim();
    check(name, text);
    if (lower === "user-agent") userAgent = text;
    else if (!owned.has(lower)) fields.push(lower, text);
  };
  if (init instanceof Headers) {
    init.forEach((value, name) => {
      add(name, value);
    });
  } else if (Symbol.iterator in init) {
    for (const pair of init) add(pair[0] as string, pair[1] as string);
  } else {
    for (const name in init) add(name, init[name] as string);
  }
  return fields.length === 0 && userAgent === undefined ? noMetadata : { fields, userAgent };
}

function check(name: string, value: string): void {
  if (!validName.test(name)) {
    throw new ConnectError(`${JSON.stringify(name)} is not a valid header name`, Code.InvalidArgument);
  }
  const bad = invalidValue.exec(value);
  if (bad === null) return;
  const at = `character ${JSON.stringify(bad[0])} at index ${bad.index}`;
  const advice = "put binary data into a header whose name ends in -bin, with encodeBinaryHeader()";
  throw new ConnectError(`the value of header "${name}" has an invalid ${at}; ${advice}`, Code.InvalidArgument);
}
