import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import type { SliceObject } from "./slices.ts";

/** A request that the server got. */
export interface ApiRequest {
  readonly verb: "list" | "watch";
  readonly path: string;
  readonly version: string | null;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
}

type Answer = (response: ServerResponse, request: ApiRequest) => void;

/** Answers with a Status, as the API server does when it refuses. */
export function refusal(code: number, message: string, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(code, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ kind: "Status", code, message }));
  };
}

/**
 * An API server for EndpointSlices that a test leads: it keeps slices and their history as a real one does, and does on demand
 * what a real one rarely does.
 */
export class ScriptedApiServer {
  readonly requests: ApiRequest[] = [];
  /** Tokens that it accepts; undefined: none is asked for. */
  tokens: ReadonlySet<string> | undefined;
  /** False: as before Kubernetes 1.32, a watch cannot begin at what happens next. */
  watchesFromNow = true;
  readonly #server: ReturnType<typeof createHttp>;
  readonly #slices = new Map<string, SliceObject>();
  readonly #history: { readonly version: number; readonly line: string }[] = [];
  readonly #watches = new Set<ServerResponse>();
  readonly #answers: Answer[] = [];
  readonly #tls: boolean;
  #version = 100;
  #compacted = 0;

  /** `identity`: over TLS, with these options of Node's. */
  constructor(identity?: ServerOptions) {
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response);
    this.#tls = identity !== undefined;
    this.#server = identity === undefined ? createHttp(handle) : createHttps(identity, handle);
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#tls ? "https" : "http"}://127.0.0.1:${port}`;
  }

  /** Watches that are open. */
  get watches(): number {
    return this.#watches.size;
  }

  get version(): number {
    return this.#version;
  }

  listen(port = 0): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  put(slice: SliceObject): void {
    this.#change(this.#slices.has(slice.metadata.name) ? "MODIFIED" : "ADDED", slice);
  }

  delete(name: string): void {
    const slice = this.#slices.get(name);
    if (slice !== undefined) this.#change("DELETED", slice);
  }

  /** What the next requests are answered with, instead of the truth; one each. */
  answerNext(...answers: readonly Answer[]): void {
    this.#answers.push(...answers);
  }

  /** Versions up to now are forgotten: who watches from one of them hears that it is expired. */
  compact(): void {
    this.#version++;
    this.#compacted = this.#version;
    this.#history.length = 0;
  }

  bookmark(): void {
    this.#version++;
    this.send(JSON.stringify({ type: "BOOKMARK", object: { metadata: { resourceVersion: `${this.#version}` } } }));
  }

  error(code: number, message = ""): void {
    this.send(JSON.stringify({ type: "ERROR", object: { kind: "Status", code, message } }));
  }

  /** A line to all watches; or some of it. */
  send(text: string, end = "\n"): void {
    this.sendBytes(Buffer.from(text + end));
  }

  sendBytes(bytes: Uint8Array): void {
    for (const watch of this.#watches) watch.write(bytes);
  }

  /** Ends all watches in good order. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  /** Ends all connections without a word. */
  cut(): void {
    for (const watch of this.#watches) watch.destroy();
  }

  #change(type: "ADDED" | "MODIFIED" | "DELETED", slice: SliceObject): void {
    this.#version++;
    const { name } = slice.metadata;
    const object = { ...slice, metadata: { name, resourceVersion: `${this.#version}` } };
    if (type === "DELETED") this.#slices.delete(name);
    else this.#slices.set(name, object);
    const line = JSON.stringify({ type, object });
    this.#history.push({ version: this.#version, line });
    this.send(line);
  }

  #handle(message: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams: query } = new URL(message.url ?? "", "http://api");
    const token = message.headers.authorization?.replace(/^Bearer /, "");
    const request: ApiRequest = {
      verb: query.get("watch") === "1" ? "watch" : "list",
      path: pathname,
      version: query.get("resourceVersion"),
      query,
      token,
    };
    this.requests.push(request);
    const answer = this.#answers.shift();
    if (answer !== undefined) answer(response, request);
    else if (this.tokens !== undefined && !this.tokens.has(token ?? ""))
      refusal(401, "Unauthorized")(response, request);
    else if (request.verb === "list") this.#list(response);
    else if (query.get("sendInitialEvents") !== "false") this.#watch(response, Number(request.version));
    else if (this.watchesFromNow) this.#watch(response, this.#version);
    else refusal(422, "sendInitialEvents is forbidden for watch")(response, request);
  }

  #list(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    const items = [...this.#slices.values()];
    response.end(
      JSON.stringify({ kind: "EndpointSliceList", metadata: { resourceVersion: `${this.#version}` }, items }),
    );
  }

  #watch(response: ServerResponse, version: number): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    this.#watches.add(response);
    response.on("close", () => this.#watches.delete(response));
    if (version < this.#compacted) {
      const object = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      return;
    }
    for (const event of this.#history) if (event.version > version) response.write(`${event.line}\n`);
  }
}
