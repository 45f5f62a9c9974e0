import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** An instance as the tests write it. */
export interface ConsulInstance {
  readonly address?: string;
  readonly nodeAddress?: string;
  readonly port?: number;
  readonly status?: "passing" | "warning" | "critical";
  readonly weights?: { readonly Passing: number; readonly Warning: number };
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
}

/** A query that came. */
export interface ConsulQuery {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
}

/**
 * What Consul documents of /v1/health/service: blocking queries by index, which answer at once where the index is not the
 * present one, and else at a change or after the wait; indexes that go back; ACLs; tags, passing, and its other answers.
 */
export class ConsulServer {
  readonly queries: ConsulQuery[] = [];
  /** In the place of the next answers, one each. */
  readonly answers: ((response: ServerResponse) => void)[] = [];
  token: string | undefined;
  index = 10;
  lastContactMs = 0;
  readonly #server = createServer((request, response) => this.#serve(request, response));
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();
  #instances: readonly ConsulInstance[] = [];

  async start(): Promise<string> {
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get blocked(): number {
    return this.#waiting.size;
  }

  /** A change, with the next index or another one. */
  set(instances: readonly ConsulInstance[], index = this.index + 1): void {
    this.#instances = instances;
    this.index = index;
    this.wake();
  }

  /** Blocking queries return, whether there was a change or not. */
  wake(): void {
    for (const answer of [...this.#waiting]) answer();
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname: path, searchParams: query } = new URL(request.url ?? "", "http://consul");
    const token = request.headers["x-consul-token"]?.toString();
    this.queries.push({ path, query, token });
    const scripted = this.answers.shift();
    if (scripted !== undefined) {
      scripted(response);
      return;
    }
    if (this.token !== undefined && token !== this.token) {
      response
        .writeHead(403)
        .end("Permission denied: token with AccessorID 'x' lacks permission 'service:read' on \"echo\"");
      return;
    }
    const asked = Number(query.get("index") ?? 0);
    // An index of 0, or one that is behind or ahead of the present one, waits for nothing.
    if (asked === 0 || asked !== this.index) {
      this.#answer(query, response);
      return;
    }
    const answer = () => {
      this.#waiting.delete(answer);
      clearTimeout(timer);
      this.#answer(query, response);
    };
    const timer = setTimeout(answer, Number.parseInt(query.get("wait") ?? "300000", 10));
    this.#waiting.add(answer);
    response.once("close", () => {
      clearTimeout(timer);
      this.#waiting.delete(answer);
    });
  }

  #answer(query: URLSearchParams, response: ServerResponse): void {
    const tags = query.getAll("tag");
    const chosen = this.#instances.filter(
      ({ status = "passing", tags: own = [] }) =>
        (!query.has("passing") || status === "passing") && tags.every((tag) => own.includes(tag)),
    );
    const body = chosen.map(
      ({ address = "", nodeAddress = "10.9.9.9", port = 1, status = "passing", ...instance }) => ({
        Node: { Node: "node-1", Address: nodeAddress, Meta: { zone: "a" } },
        Service: { Address: address, Port: port, Weights: instance.weights, Meta: instance.meta ?? {} },
        Checks: [{ Status: "passing" }, { Status: status }],
      }),
    );
    response.setHeader("X-Consul-Index", this.index);
    response.setHeader("X-Consul-LastContact", this.lastContactMs);
    response.end(JSON.stringify(body));
  }
}
