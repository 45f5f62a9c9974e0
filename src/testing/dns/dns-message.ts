import { isIPv6 } from "node:net";

/** The record types of DNS that are served, by their numbers (RFC 1035, RFC 2782, RFC 3596). */
const typeNumbers = { A: 1, CNAME: 5, TXT: 16, AAAA: 28, SRV: 33 } as const;

/** What was asked: the first question of a query. */
export interface DnsQuestion {
  readonly id: number;
  readonly name: string;
  /** "A", say, or "TYPE65" for one that is not served. */
  readonly type: string;
  /** The question as it came, which an answer repeats. */
  readonly bytes: Buffer;
}

/** One record of an answer. */
export type DnsRecord = { readonly name: string; readonly ttlSeconds: number } & (
  | { readonly type: "A" | "AAAA" | "CNAME"; readonly data: string }
  | {
      readonly type: "SRV";
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly data: string;
    }
  | { readonly type: "TXT"; readonly data: string }
);

export interface DnsResponse {
  readonly responseCode: number;
  /** There is more than fits: ask again over TCP. */
  readonly isCut: boolean;
  readonly records: readonly DnsRecord[];
}

const headerBytes = 12;
const internetClass = 1;
const isResponse = 1 << 15;
const isAuthoritative = 1 << 10;
const isCut = 1 << 9;
const recursionDesired = 1 << 8;

/** The question of a query (RFC 1035 §4.1); undefined for what is none. */
export function readQuestion(message: Buffer): DnsQuestion | undefined {
  if (message.length < headerBytes || message.readUInt16BE(4) === 0 || (message.readUInt16BE(2) & isResponse) !== 0)
    return undefined;
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = message[at++]; length !== 0; length = message[at++]) {
    // Nobody points back in a question.
    if (length === undefined || length > 63 || at + length > message.length) return undefined;
    labels.push(message.toString("latin1", at, at + length));
    at += length;
  }
  if (at + 4 > message.length) return undefined;
  const number = message.readUInt16BE(at);
  const known = Object.entries(typeNumbers).find(([, one]) => one === number);
  return {
    id: message.readUInt16BE(0),
    name: labels.join("."),
    type: known?.[0] ?? `TYPE${number}`,
    bytes: message.subarray(headerBytes, at + 4),
  };
}

export function writeResponse({ id, bytes }: DnsQuestion, response: DnsResponse): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(id, 0);
  const flags = isResponse | isAuthoritative | recursionDesired | (response.isCut ? isCut : 0);
  header.writeUInt16BE(flags | response.responseCode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(response.records.length, 6);
  return Buffer.concat([header, bytes, ...response.records.map(writeRecord)]);
}

function writeRecord(record: DnsRecord): Buffer {
  const data = dataOf(record);
  const fields = Buffer.alloc(10);
  fields.writeUInt16BE(typeNumbers[record.type], 0);
  fields.writeUInt16BE(internetClass, 2);
  fields.writeUInt32BE(record.ttlSeconds, 4);
  fields.writeUInt16BE(data.length, 8);
  return Buffer.concat([writeName(record.name), fields, data]);
}

function dataOf(record: DnsRecord): Buffer {
  switch (record.type) {
    case "A":
      return Buffer.from(record.data.split(".").map(Number));
    case "AAAA":
      return writeIPv6(record.data);
    case "CNAME":
      return writeName(record.data);
    case "SRV": {
      const numbers = Buffer.alloc(6);
      numbers.writeUInt16BE(record.priority, 0);
      numbers.writeUInt16BE(record.weight, 2);
      numbers.writeUInt16BE(record.port, 4);
      return Buffer.concat([numbers, writeName(record.data)]);
    }
    case "TXT": {
      // In pieces of 255 bytes at most (RFC 1035 §3.3.14).
      const text = Buffer.from(record.data);
      const pieces: Buffer[] = [];
      for (let at = 0; at === 0 || at < text.length; at += 255) {
        const piece = text.subarray(at, at + 255);
        pieces.push(Buffer.from([piece.length]), piece);
      }
      return Buffer.concat(pieces);
    }
  }
}

/** Whether DNS can carry the name: labels of 1 to 63 bytes, 253 altogether (RFC 1035 §2.3.4); or the root, ".". */
export function isDnsName(name: string): boolean {
  if (name === ".") return true;
  const bare = name.replace(/\.$/, "");
  return bare.length <= 253 && bare.split(".").every((label) => /^[\x21-\x7e]{1,63}$/.test(label));
}

function writeName(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]),
    Buffer.alloc(1),
  ]);
}

/** The URL parser writes an address in hexadecimal groups, with one run of zeros left out (RFC 5952). */
function writeIPv6(address: string): Buffer {
  if (!isIPv6(address)) throw new TypeError(`${address} is not an IPv6 address`);
  const { hostname } = new URL(`http://[${address.split("%")[0]}]`);
  const [before = "", after] = hostname.slice(1, -1).split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const tail = after === undefined ? [] : groups(after);
  const head = groups(before);
  const all = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
