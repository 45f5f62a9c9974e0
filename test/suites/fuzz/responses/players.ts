import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { EchoService } from "../../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport } from "../../../../src/index.ts";
import { engineNames } from "../../../support/engines.ts";
import { pureMethod } from "../../../support/pure-method.ts";
import type { ProtocolName } from "../../protocols/servers.ts";
import type { Format, ResponseCase } from "./response-case.ts";

/** What a caller saw of a response. */
export interface Seen {
  /** Undefined: success. */
  readonly code: string | undefined;
  readonly text: string;
  /** Of each message. */
  readonly messages: readonly string[];
  readonly details: number;
  readonly trailers: string;
}

/** Who makes the calls: glink on either engine, or the transport of connect-node's. */
export type PlayerName = (typeof engineNames)[number] | "original";
export const playerNames: readonly PlayerName[] = [...engineNames, "original"];

/** Above what any good response is, so that lengths made up by chance are refused. */
const readMaxBytes = 100_000;
/** A call that takes so long hangs. */
const timeoutMs = 10_000;

const originals = { grpc: createGrpcTransport, "grpc-web": createGrpcWebTransport, connect: createConnectTransport };

/** The transports of all cases, which are made once: a session is what costs most. */
export class Players {
  readonly #baseUrl: string;
  readonly #transports = new Map<string, Transport>();
  readonly #closers: (() => unknown)[] = [];

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  async play(name: PlayerName, { protocol, format, kind, asGet }: ResponseCase): Promise<Seen> {
    const transport = this.#transport(name, protocol, format);
    const messages: string[] = [];
    let trailers = "";
    const onTrailer = (received: Headers) => {
      trailers = [...received].map((field) => field.join(": ")).join("\n");
    };
    try {
      if (asGet) {
        const { message, trailer } = await transport.unary(pureMethod, undefined, timeoutMs, undefined, {});
        messages.push((message as { text: string }).text);
        onTrailer(trailer);
      } else if (kind === "unary") {
        messages.push((await createClient(EchoService, transport).unary({}, { timeoutMs, onTrailer })).text);
      } else {
        const stream = createClient(EchoService, transport).serverStream({}, { timeoutMs, onTrailer });
        for await (const { text } of stream) messages.push(text);
      }
      return { code: undefined, text: "", messages, details: 0, trailers };
    } catch (reason) {
      if (!(reason instanceof ConnectError)) throw reason;
      const { code, rawMessage, details } = reason;
      const text = rawMessage.replace(/ \([^()]*backend [^()]*\)$/, "");
      return { code: Code[code] ?? String(code), text, messages, details: details.length, trailers: "" };
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }

  #transport(name: PlayerName, protocol: ProtocolName, format: Format): Transport {
    const key = `${name} ${protocol} ${format}`;
    const known = this.#transports.get(key);
    if (known !== undefined) return known;
    const made = this.#make(name, protocol, format === "proto");
    this.#transports.set(key, made);
    return made;
  }

  #make(name: PlayerName, protocol: ProtocolName, useBinaryFormat: boolean): Transport {
    const options = {
      baseUrl: this.#baseUrl,
      useBinaryFormat,
      readMaxBytes,
      ...(protocol === "connect" ? { useHttpGet: true } : {}),
    };
    if (name !== "original") {
      const transport = glinkTransport({ ...options, protocol, http2: name, retry: false, outlierDetection: false });
      this.#closers.push(() => transport.close({ timeoutMs: 0 }));
      return transport;
    }
    const sessionManager = new Http2SessionManager(this.#baseUrl);
    this.#closers.push(() => sessionManager.abort());
    return originals[protocol]({ httpVersion: "2", ...options, sessionManager });
  }
}
