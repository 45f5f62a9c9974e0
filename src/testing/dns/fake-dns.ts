import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, isIP, type Server, type Socket as TcpSocket } from "node:net";
import { checkFields, checkNumber } from "../check.ts";
import { type DnsAnswer, type RecordType, recordTypes } from "./dns-answer.ts";
import { checkAnswer, checkHost, checkName, checkType } from "./dns-checks.ts";
import { type DnsQuestion, type DnsRecord, readQuestion, writeResponse } from "./dns-message.ts";

/** Where a DNS server listens. */
export interface FakeDnsOptions {
  /** An IP address of this machine. Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0, a free one; to 65535. */
  readonly port?: number;
}

/** A DNS server in a test's hand. */
export interface FakeDns {
  /** As `dnsResolver({ servers: [address] })` takes it. */
  readonly address: string;
  /**
   * What is said about `name` from now on: to every query, or to those of one type. Names that were not set get NXDOMAIN.
   * Throws a TypeError or RangeError for bad input.
   */
  set(name: string, answer: DnsAnswer, type?: RecordType): void;
  /** How many queries for `name` came, of one type or of all. Packets sent again count again. */
  queries(name: string, type?: RecordType): number;
  /** Stops listening; delayed answers are dropped. Idempotent. */
  close(): Promise<void>;
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A longer answer is cut over UDP, and the client asks again over TCP. */
const udpMaxBytes = 1_232;

const responseCodes = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };
const defaultTtlSeconds = 30;

/**
 * Starts a real DNS server on UDP and TCP, for A, AAAA, SRV and TXT records whose answers change when a test says so. Rejects with
 * a TypeError or RangeError for bad input, and with Node's error where it cannot listen.
 */
export async function fakeDns(options: FakeDnsOptions = {}): Promise<FakeDns> {
  const { host = "127.0.0.1", port = 0 } = checkFields("the options of fakeDns", options, ["host", "port"]);
  checkHost(host);
  checkNumber("port", port, { min: 0, max: 65_535, integer: true });
  const tcp = createServer();
  tcp.listen(port, host);
  await once(tcp, "listening");
  const socket = createSocket(isIP(host) === 6 ? "udp6" : "udp4");
  const listening = once(socket, "listening");
  socket.bind((tcp.address() as AddressInfo).port, host);
  try {
    await listening;
  } catch (error) {
    socket.close();
    tcp.close();
    // The port that is free on TCP is taken on UDP, by somebody's query.
    if (port === 0 && (error as NodeJS.ErrnoException).code === "EADDRINUSE") return fakeDns(options);
    throw error;
  }
  return new DnsServer(socket, tcp);
}

class DnsServer implements FakeDns {
  readonly address: string;
  readonly #socket: Socket;
  readonly #tcp: Server;
  readonly #connections = new Set<TcpSocket>();
  readonly #answers = new Map<string, DnsAnswer>();
  readonly #queries = new Map<string, number>();
  readonly #delayed = new Set<NodeJS.Timeout>();
  #closed: Promise<void> | undefined;

  constructor(socket: Socket, tcp: Server) {
    const { address, port } = socket.address();
    this.address = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    this.#socket = socket;
    this.#tcp = tcp;
    socket.on("message", (message, peer) => {
      this.#serve(message, udpMaxBytes, (response) => socket.send(response, peer.port, peer.address));
    });
    tcp.on("connection", (connection: TcpSocket) => this.#connected(connection));
    // A client that went away before its answer came is no trouble of the server's.
    socket.on("error", () => undefined);
  }

  set(name: string, answer: DnsAnswer, type?: RecordType): void {
    checkName("the name", name);
    checkType(type);
    checkAnswer(name, answer);
    for (const one of type === undefined ? recordTypes : [type]) this.#answers.set(keyOf(name, one), answer);
  }

  queries(name: string, type?: RecordType): number {
    checkType(type);
    if (type === undefined) return recordTypes.reduce((sum, one) => sum + this.queries(name, one), 0);
    return this.#queries.get(keyOf(name, type)) ?? 0;
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      for (const timer of this.#delayed) clearTimeout(timer);
      for (const connection of this.#connections) connection.destroy();
      this.#tcp.close(() => this.#socket.close(() => resolve()));
    });
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One query on each connection, behind its length (RFC 1035 §4.2.2). */
  #connected(connection: TcpSocket): void {
    this.#connections.add(connection);
    connection.once("close", () => this.#connections.delete(connection)).on("error", () => undefined);
    let query = Buffer.alloc(0);
    connection.on("data", (chunk) => {
      query = Buffer.concat([query, chunk]);
      if (query.length < 2 || query.length < 2 + query.readUInt16BE(0)) return;
      this.#serve(query.subarray(2), 2 ** 16 - 1, (response) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(response.length);
        connection.end(Buffer.concat([length, response]));
      });
    });
  }

  #serve(message: Buffer, maxBytes: number, send: (response: Buffer) => void): void {
    const question = readQuestion(message);
    if (question === undefined) return;
    const key = keyOf(question.name, question.type);
    this.#queries.set(key, (this.#queries.get(key) ?? 0) + 1);
    const answer = this.#answers.get(key) ?? { error: "NXDOMAIN" };
    if (answer.silent) return;
    const respond = () => {
      if (this.#closed === undefined) send(responseTo(question, answer, maxBytes));
    };
    const { delayMs = 0 } = answer;
    if (delayMs === 0) respond();
    else this.#later(respond, delayMs);
  }

  #later(respond: () => void, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      respond();
    }, delayMs);
    this.#delayed.add(timer);
  }
}

/** Of what does not fit, only that it is there. */
function responseTo(question: DnsQuestion, answer: DnsAnswer, maxBytes: number): Buffer {
  const responseCode = answer.error === undefined ? 0 : responseCodes[answer.error];
  const records = answer.error === undefined ? recordsOf(question, answer) : [];
  const response = writeResponse(question, { responseCode, isCut: false, records });
  return response.length <= maxBytes ? response : writeResponse(question, { responseCode, isCut: true, records: [] });
}

function recordsOf({ name, type }: DnsQuestion, answer: DnsAnswer): readonly DnsRecord[] {
  const { addresses = [], services = [], texts = [], ttlSeconds = defaultTtlSeconds, alias } = answer;
  const records: DnsRecord[] = alias === undefined ? [] : [{ name, type: "CNAME", ttlSeconds, data: alias }];
  const owner = { name: alias ?? name, ttlSeconds };
  for (const data of addresses) {
    const ofType = isIP(data) === 6 ? "AAAA" : "A";
    if (ofType === type) records.push({ ...owner, type: ofType, data });
  }
  if (type === "SRV") {
    for (const { target, port, priority = 0, weight = 0 } of services)
      records.push({ ...owner, type, priority, weight, port, data: target });
  }
  if (type === "TXT") for (const data of texts) records.push({ ...owner, type, data });
  return records;
}

/** Names are compared without regard to case (RFC 4343) or to the dot that ends an absolute one. */
function keyOf(name: string, type: string): string {
  return `${type} ${name.toLowerCase().replace(/\.$/, "")}`;
}
