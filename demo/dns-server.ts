import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, isIP, type Server, type Socket as TcpSocket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { type Answer, decode, encode, type Question } from "dns-packet";

export type RecordType = "A" | "AAAA" | "SRV" | "TXT";

const recordTypes: readonly RecordType[] = ["A", "AAAA", "SRV", "TXT"];

/** What an SRV record says; without a priority or a weight these are 0. */
export interface ServiceRecord {
  readonly target: string;
  readonly port: number;
  readonly priority?: number;
  readonly weight?: number;
}

/** What the server says about one name. Nothing set: the name exists and has no records. */
export interface DnsAnswer {
  /** IPv4 and IPv6 addresses: each query gets those of its type. */
  readonly addresses?: readonly string[];
  /** SRV records (RFC 2782): which ports of which names are the service. */
  readonly services?: readonly ServiceRecord[];
  /** TXT records. */
  readonly texts?: readonly string[];
  /** Of every record. Default 30. */
  readonly ttlSeconds?: number;
  /** The name is an alias: a CNAME record comes first, and the addresses are this name's. */
  readonly alias?: string;
  readonly error?: "SERVFAIL" | "NXDOMAIN" | "REFUSED";
  /** Queries are counted and never answered. */
  readonly silent?: boolean;
  /** The answer is sent this much later. Default 0. */
  readonly delayMs?: number;
}

/** A longer answer is cut over UDP, and the client asks again over TCP. */
const udpMaxBytes = 1_232;

const truncated = 1 << 9;

const responseCodes = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };
const authoritative = 1 << 10;
const defaultTtlSeconds = 30;

/** A real DNS server on UDP and TCP for A, AAAA, SRV and TXT records, whose answers change when one says so. */
export class DnsServer {
  readonly #socket: Socket;
  readonly #tcp: Server;
  readonly #connections = new Set<TcpSocket>();
  readonly #answers = new Map<string, DnsAnswer>();
  readonly #queries = new Map<string, number>();
  readonly #stopped = new AbortController();

  private constructor(socket: Socket, tcp: Server) {
    this.#socket = socket;
    this.#tcp = tcp;
    socket.on("message", (message, peer) => {
      void this.#serve(message, (response) => socket.send(cut(response), peer.port, peer.address));
    });
    tcp.on("connection", (connection: TcpSocket) => this.#connected(connection));
    // A client that went away before its answer came is no trouble of the server's.
    socket.on("error", () => undefined);
  }

  /** Listens on a free port unless told one. */
  static async start({ host = "127.0.0.1", port = 0 } = {}): Promise<DnsServer> {
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
      if (port === 0 && (error as NodeJS.ErrnoException).code === "EADDRINUSE") return DnsServer.start({ host });
      throw error;
    }
    return new DnsServer(socket, tcp);
  }

  /** As `dnsResolver({ servers })` takes it. */
  get address(): string {
    const { address, port } = this.#socket.address();
    return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  }

  /** From now on, what is said about `name`: to every query, or to those of one type. Unknown names get NXDOMAIN. */
  set(name: string, answer: DnsAnswer, type?: RecordType): void {
    for (const one of type === undefined ? recordTypes : [type]) {
      this.#answers.set(keyOf(name, one), answer);
    }
  }

  /** How many queries for `name` came, of one type or of all. Packets sent again count again. */
  queries(name: string, type?: RecordType): number {
    if (type === undefined) return recordTypes.reduce((sum, one) => sum + this.queries(name, one), 0);
    return this.#queries.get(keyOf(name, type)) ?? 0;
  }

  /** Stops listening; delayed answers are dropped. */
  close(): Promise<void> {
    this.#stopped.abort();
    for (const connection of this.#connections) connection.destroy();
    return new Promise((resolve) => this.#tcp.close(() => this.#socket.close(() => resolve())));
  }

  /** One query on each connection, behind its length (RFC 1035 §4.2.2). */
  #connected(connection: TcpSocket): void {
    this.#connections.add(connection);
    connection.once("close", () => this.#connections.delete(connection)).on("error", () => undefined);
    let query = Buffer.alloc(0);
    connection.on("data", (chunk) => {
      query = Buffer.concat([query, chunk]);
      if (query.length < 2 || query.length < 2 + query.readUInt16BE(0)) return;
      void this.#serve(query.subarray(2), (response) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(response.length);
        connection.end(Buffer.concat([length, response]));
      });
    });
  }

  async #serve(message: Uint8Array, send: (response: Uint8Array) => void): Promise<void> {
    const { id, question } = read(message);
    if (question === undefined) return;
    const key = keyOf(question.name, question.type);
    this.#queries.set(key, (this.#queries.get(key) ?? 0) + 1);
    const answer = this.#answers.get(key) ?? { error: "NXDOMAIN" };
    if (answer.silent) return;
    if (answer.delayMs !== undefined)
      await wait(answer.delayMs, undefined, { signal: this.#stopped.signal }).catch(noop);
    if (this.#stopped.signal.aborted) return;
    send(
      encode({
        id,
        type: "response",
        flags: authoritative | (answer.error === undefined ? 0 : responseCodes[answer.error]),
        questions: [question],
        answers: answer.error === undefined ? recordsOf(question, answer) : [],
      }),
    );
  }
}

/** What fits into a packet; of a longer answer only that it is one. */
function cut(response: Uint8Array): Uint8Array {
  if (response.length <= udpMaxBytes) return response;
  const { id = 0, flags = 0, questions = [] } = decode(response);
  return encode({ id, type: "response", flags: flags | truncated, questions });
}

/** What is no DNS message asks nothing. */
function read(message: Uint8Array): { id: number; question?: Question | undefined } {
  try {
    const { id = 0, questions } = decode(message);
    return { id, question: questions?.[0] };
  } catch {
    return { id: 0 };
  }
}

function recordsOf({ name, type }: Question, answer: DnsAnswer): Answer[] {
  const { addresses = [], services = [], ttlSeconds: ttl = defaultTtlSeconds, alias } = answer;
  const records: Answer[] = alias === undefined ? [] : [{ name, type: "CNAME", ttl, data: alias }];
  for (const data of addresses) {
    const ofType = isIP(data) === 6 ? "AAAA" : "A";
    if (ofType === type) records.push({ name: alias ?? name, type: ofType, ttl, data });
  }
  if (type === "SRV") {
    for (const data of services) records.push({ name: alias ?? name, type, ttl, data });
  }
  if (type === "TXT") {
    // In pieces of 255 bytes at most (RFC 1035 §3.3.14).
    for (const text of answer.texts ?? []) records.push({ name, type, ttl, data: text.match(/.{1,255}/gs) ?? [""] });
  }
  return records;
}

/** Names are compared without regard to case (RFC 4343) or to the dot that ends an absolute one. */
function keyOf(name: string, type: string): string {
  return `${type} ${name.toLowerCase().replace(/\.$/, "")}`;
}

/** Waiting ends early only because the server stops. */
function noop(): void {
  return;
}
