import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { type Clock, limitConnect } from "../index.ts";
import type { Credentials, Identity } from "./credentials.ts";

/** An answer of the API server: its body comes as it is read. */
export interface ApiResponse {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** What it was asked with: a secret, which what stands between may say again. */
  readonly token: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** What is asked for the slices of Services. */
export interface ApiServer {
  /** For messages. */
  readonly url: string;
  /** Asks once. `headersMs`: how long the answer may take to begin. Rejects when it does not. */
  get(path: string, headersMs: number, signal: AbortSignal): Promise<ApiResponse>;
  /** The token was refused: it is read anew. */
  forgetToken(): void;
}

/** Where the server is, and what a connection to it needs that does not change. */
export interface ApiServerOptions {
  readonly url: URL;
  readonly credentials: Credentials;
  /** A client certificate, if any. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly clock: Clock;
  /** Whether a call is open of those for whom this is asked. */
  readonly held: () => boolean;
}

/** A peer that is gone without a word, or a firewall that forgot the connection, is found after this and ten seconds. */
const keepAliveMs = 30_000;

/** Asks an API server over HTTP/1.1. No socket of it keeps the process alive. */
export class HttpApiServer implements ApiServer {
  readonly url: string;
  readonly #options: ApiServerOptions;
  #agent: { readonly agent: HttpAgent; readonly ca: string | undefined } | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.url = options.url.href.replace(/\/$/, "");
  }

  async get(path: string, headersMs: number, signal: AbortSignal): Promise<ApiResponse> {
    const { credentials, clock } = this.#options;
    const identity = await credentials.identity(clock);
    signal.throwIfAborted();
    const options: RequestOptions = {
      agent: this.#agentFor(identity),
      headers: {
        accept: "application/json",
        "user-agent": "glink",
        ...(identity.token === undefined ? {} : { authorization: `Bearer ${identity.token}` }),
      },
    };
    const response = await this.#send(new URL(this.url + path), options, headersMs, signal);
    return {
      status: response.statusCode ?? 0,
      retryAfter: response.headers["retry-after"],
      token: identity.token,
      body: response,
    };
  }

  forgetToken(): void {
    this.#options.credentials.forget();
  }

  close(): void {
    this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  #send(url: URL, options: RequestOptions, headersMs: number, signal: AbortSignal): Promise<IncomingMessage> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options);
      let answer: IncomingMessage | undefined;
      const abort = () => (answer ?? request).destroy(signal.reason);
      const late = () => request.destroy(new Error(`${this.url} gave no answer within ${headersMs} ms`));
      const timer = clock.setTimeout(() => clock.afterInput(late), headersMs);
      signal.addEventListener("abort", abort, { once: true });
      request
        .on("socket", (socket) =>
          limitConnect(socket, this.#options, (why) => request.destroy(new Error(`${this.url} ${why}`))),
        )
        .on("response", (response) => {
          clock.clearTimeout(timer);
          answer = response;
          resolve(response);
        })
        .on("error", (error: NodeJS.ErrnoException) => {
          clock.clearTimeout(timer);
          // A connection that the server has closed meanwhile proves nothing: another one is asked.
          if (request.reusedSocket && error.code === "ECONNRESET" && answer === undefined && !signal.aborted) {
            resolve(this.#send(url, options, headersMs, signal));
          } else {
            reject(error);
          }
        })
        .on("close", () => signal.removeEventListener("abort", abort))
        .end();
    });
  }

  /** An agent for each authority: one that was replaced may trust other servers. */
  #agentFor({ ca }: Identity): HttpAgent {
    if (this.#agent === undefined || this.#agent.ca !== ca) {
      const { url, cert, key } = this.#options;
      // Open watches go on; their connections end with them.
      if (this.#agent !== undefined) this.#agent.agent.maxFreeSockets = 0;
      const common = { keepAlive: true, keepAliveMsecs: keepAliveMs, maxFreeSockets: 1 };
      const agent = url.protocol === "https:" ? new HttpsAgent({ ...common, ca, cert, key }) : new HttpAgent(common);
      this.#agent = { agent, ca };
    }
    return this.#agent.agent;
  }
}
