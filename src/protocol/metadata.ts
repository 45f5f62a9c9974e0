import { Code } from "@connectrpc/connect";
import { earlyError } from "../base/connect-error.ts";
import type { HeaderFields, MethodHead } from "../http2/connection.ts";

/** No metadata: shared, because most calls have none. */
export const noFields: readonly string[] = Object.freeze([]);

/** Names that HTTP/2 owns or forbids (RFC 9113 §8.2.2). What a user gives for them is ignored. */
const connectionNames = new Set([
  "content-length",
  "connection",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Field names as RFC 9110 §5.1 has them. */
const validName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Values: visible ASCII, space, tab, and bytes above 0x7f as Latin-1. No NUL, no line break. */
const invalidValue = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * All headers of a call together, counted as SETTINGS_MAX_HEADER_LIST_SIZE does (RFC 9113 §6.5.2): as much as grpc-go takes
 * unless told otherwise. What a backend takes is for it to say, and a connection holds the call to that.
 */
const listMaxBytes = 2 ** 24;

/**
 * Every server takes this much. More is a connection error to some that do not say so, nghttp2 (Node's servers, and many
 * proxies) above 9 frames among them.
 */
const surelyTakenBytes = 65_536;

/** What a field counts beside its name and value. */
const fieldOverheadBytes = 32;

/** A call's metadata: the flat list that goes on the wire, and the caller's own user agent if one was given. */
export interface CallMetadata {
  readonly fields: readonly string[];
  readonly userAgent: string | undefined;
}

const noMetadata: CallMetadata = { fields: noFields, userAgent: undefined };

/**
 * A caller's headers as a call's metadata. Throws a ConnectError with InvalidArgument that names a field HTTP/2 cannot
 * carry: that call fails, and no other. What the protocol sets itself (`ownNames`) is left out, as createGrpcTransport
 * overrides it.
 */
export function readMetadata(init: HeadersInit | undefined, ownNames: ReadonlySet<string>): CallMetadata {
  return init === undefined ? noMetadata : metadataOf(readFields(init), ownNames);
}

/** As {@link readMetadata}, of a list that {@link readFields} gave. */
export function metadataOf(list: HeaderFields, ownNames: ReadonlySet<string>): CallMetadata {
  const fields: string[] = [];
  let userAgent: string | undefined;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string;
    const value = list[i + 1] as string;
    if (name === "user-agent") userAgent = value;
    else if (!isOwned(name, ownNames)) fields.push(name, value);
  }
  return fields.length === 0 && userAgent === undefined ? noMetadata : { fields, userAgent };
}

/**
 * Reads a caller's headers into a flat list of lower-case names and values. Names given twice are joined with a comma,
 * as Headers does it: HTTP/2 forbids some of them (authorization) to appear twice. Throws as {@link readMetadata} does.
 */
export function readFields(init: HeadersInit): HeaderFields {
  const values = new Map<string, string>();
  const add = (name: string, value: string) => {
    const lower = name.toLowerCase();
    const text = withoutOuterSpace(value);
    checkField(name, text);
    const before = values.get(lower);
    // RFC 9113 §8.2.3: cookies are joined in a way of their own.
    const separator = lower === "cookie" ? "; " : ", ";
    values.set(lower, before === undefined ? text : before + separator + text);
  };
  if (init instanceof Headers) {
    init.forEach((value, name) => {
      add(name, value);
    });
  } else if (Symbol.iterator in init) {
    for (const [name, value] of init) add(String(name), String(value));
  } else {
    for (const [name, value] of Object.entries(init)) add(name, String(value));
  }
  const fields: string[] = [];
  for (const [name, value] of values) fields.push(name, value);
  return fields;
}

/** Whether the protocol or HTTP/2 sets this field, whatever the caller says. `name` in lower case. */
export function isOwned(name: string, ownNames: ReadonlySet<string>): boolean {
  return ownNames.has(name) || connectionNames.has(name);
}

/** Headers so long that a server may have ended its connection because of them. */
export function areLong(metadata: HeaderFields, { path, fields }: MethodHead): boolean {
  return path.length + listBytesOf(metadata) + listBytesOf(fields) > surelyTakenBytes;
}

/** Throws a ConnectError with InvalidArgument when a call's own headers, and a path of its own, are too long to send. */
export function checkSize({ fields, userAgent = "" }: CallMetadata, path = ""): void {
  const bytes = userAgent.length + path.length + listBytesOf(fields);
  if (bytes <= listMaxBytes) return;
  const list = [...fields, "user-agent", userAgent, ":path", path];
  const sizes = list.map((text) => text.length);
  const longest = sizes.indexOf(Math.max(...sizes));
  const name = list[longest - (longest % 2)];
  const text = `the headers are ${bytes} bytes long, above the ${listMaxBytes} that can be sent; the longest is "${name}"`;
  throw earlyError("invalid-request", Code.InvalidArgument, text);
}

function listBytesOf(fields: HeaderFields): number {
  let bytes = 0;
  for (const text of fields) bytes += text.length + fieldOverheadBytes / 2;
  return bytes;
}

/**
 * What Headers leaves of a value. Not what `trim` does: a byte 0xa0 may belong to a character. And no pattern: spaces that
 * are not at the end of a value take a pattern for those at its end the square of their number.
 */
function withoutOuterSpace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value.charCodeAt(start))) start++;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

/** Names and values up to this length are looked at here: for them the way into a pattern costs more than it saves. */
const shortText = 32;

/** Throws a ConnectError with InvalidArgument that names a field HTTP/2 cannot carry, and says why. */
export function checkField(name: string, value: string): void {
  if (!isPlainName(name) && !validName.test(name)) {
    throw earlyError("invalid-request", Code.InvalidArgument, `${JSON.stringify(name)} is not a valid header name`);
  }
  const bad = isPlainValue(value) ? null : invalidValue.exec(value);
  if (bad === null) return;
  const at = `character ${JSON.stringify(bad[0])} at index ${bad.index}`;
  const advice = "put binary data into a header whose name ends in -bin, with encodeBinaryHeader()";
  const text = `the value of header "${name}" has an invalid ${at}; ${advice}`;
  throw earlyError("invalid-request", Code.InvalidArgument, text);
}

/** Whether it is short, and nothing but lower-case letters, digits and dashes: what nearly all names are. */
function isPlainName(name: string): boolean {
  const { length } = name;
  if (length === 0 || length > shortText) return false;
  for (let i = 0; i < length; i++) {
    const code = name.charCodeAt(i);
    if (!((code >= 0x61 && code <= 0x7a) || code === 0x2d || (code >= 0x30 && code <= 0x39))) return false;
  }
  return true;
}

/** Whether it is short, and nothing but visible ASCII and spaces: what nearly all values are. */
function isPlainValue(value: string): boolean {
  const { length } = value;
  if (length > shortText) return false;
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}
