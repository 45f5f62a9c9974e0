import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { limitConnect, type Runtime } from "../index.ts";
import type { ConsulSettings } from "./options.ts";

/** What Consul answered. */
export interface ConsulAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A list of some ten thousand instances. */
const maxBytes = 2 ** 26;

/** Asks one Consul over one connection, which keeps no process alive. */
export class ConsulClient {
  readonly #url: URL;
  readonly #token: () => string | undefined;
  readonly #agent: HttpAgent;
  readonly #runtime: Runtime;

  constructor({ url, token, tls }: ConsulSettings, runtime: Runtime) {
    this.#runtime = runtime;
    this.#url = url;
    this.#token = token;
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent = url.protocol === "https:" ? new HttpsAgent({ ...options, ...tls }) : new HttpAgent(options);
  }

  get origin(): string {
    return this.#url.origin;
  }

  /**
   * `path` with its query, below the path of the URL. Rejects with the error of the socket, or the signal's, or when the whole
   * answer is not there after `limitMs`.
   */
  get(path: string, limitMs: number, signal: AbortSignal): Promise<ConsulAnswer> {
    return new Promise((resolve, reject) => {
      const { protocol, pathname } = this.#url;
      const token = this.#token();
      const request = protocol === "https:" ? httpsRequest : httpRequest;
      const asked = request(new URL(`${pathname.replace(/\/$/, "")}${path}`, this.#url), {
        agent: this.#agent,
        signal,
        headers: token === undefined ? {} : { "X-Consul-Token": token },
      });
      const { clock, hold } = this.#runtime;
      asked.on("socket", (socket) =>
        limitConnect(socket, { clock, held: () => hold.held }, (why) => asked.destroy(new Error(`it ${why}`))),
      );
      const late = () => asked.destroy(new Error(`it gave no answer within ${Math.round(limitMs)} ms`));
      const timer = clock.setTimeout(() => clock.afterInput(late), limitMs);
      asked.on("error", reject).on("close", () => clock.clearTimeout(timer));
      asked.on("response", (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxBytes) asked.destroy(new Error(`the answer is larger than ${maxBytes} bytes`));
          else chunks.push(chunk);
        });
        response.on("error", reject);
        response.on("end", () => {
          const { statusCode: status = 0, headers } = response;
          const text = Buffer.concat(chunks).toString();
          // What stands between may say again what was asked.
          const isShown = status !== 200 && token !== undefined;
          resolve({ status, headers, text: isShown ? text.replaceAll(token, "***") : text });
        });
      });
      asked.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
