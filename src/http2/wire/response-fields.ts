import { peerText } from "../../base/peer-text.ts";
import type { HeaderFields } from "../connection.ts";

/** What HTTP/2 reads from a response's header block. */
export interface ResponseHead {
  readonly status: number;
  /** -1 without one; 0 for a status that has no body, whatever the field says (RFC 9113 §8.1.1). */
  readonly contentLength: number;
  /** What makes the block malformed (RFC 9113 §8.1.1), as the end of a sentence that begins with "the server". */
  readonly problem: string | undefined;
}

/** RFC 9113 §8.2.2. */
const connectionSpecific = new Set(["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"]);

/** RFC 9113 §8.2.1, and of what remains only what RFC 9110 §5.1 calls a token. */
const validName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what RFC 9113 §8.2.1 forbids in values.
const invalidValue = /[\x00\r\n]/;

/** Reads a block that is not a trailer section: the head of a final or an interim response. */
export function readResponseHead(fields: HeaderFields): ResponseHead {
  const status = fields[0] === ":status" && /^[1-9][0-9][0-9]$/.test(fields[1] as string) ? Number(fields[1]) : 0;
  if (status === 0) {
    const problem = fields.includes(":status")
      ? "sent a response that does not begin with a valid :status"
      : "sent a response without :status";
    return { status, contentLength: -1, problem };
  }
  const length = contentLengthOf(fields);
  const problem = fieldsProblem(fields, 2) ?? (Number.isNaN(length) ? "sent an invalid content-length" : undefined);
  const hasNoBody = status === 204 || status === 304;
  return { status, contentLength: hasNoBody ? 0 : length, problem };
}

/** What makes a trailer section malformed, or undefined. */
export function trailersProblem(fields: HeaderFields): string | undefined {
  return fieldsProblem(fields, 0);
}

function fieldsProblem(fields: HeaderFields, from: number): string | undefined {
  for (let i = from; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    if (!validName.test(name)) return nameProblem(name, from);
    if (invalidValue.test(value)) return `sent a value of ${name} with a NUL or a line break in it`;
    if (connectionSpecific.has(name) || (name === "te" && value !== "trailers")) {
      return `sent the header ${name}, which HTTP/2 does not have`;
    }
  }
  return undefined;
}

function nameProblem(name: string, from: number): string {
  const shown = `"${peerText(name)}"`;
  if (name.startsWith(":")) {
    const where = from === 0 ? "in trailers" : "where it does not belong";
    return `sent the pseudo-header ${shown} ${where}`;
  }
  if (/[A-Z]/.test(name)) return `sent the header name ${shown}, which is not in lower case`;
  return `sent the invalid header name ${shown}`;
}

/** -1 without one; NaN when it is no number, or there are two that differ. */
function contentLengthOf(fields: HeaderFields): number {
  let length = -1;
  for (let i = 2; i < fields.length; i += 2) {
    if (fields[i] !== "content-length") continue;
    const text = fields[i + 1] as string;
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (length !== -1 && length !== value) return Number.NaN;
    length = value;
  }
  return length;
}
