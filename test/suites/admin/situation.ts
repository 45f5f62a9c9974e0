import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransport, glinkTransport } from "../../../src/index.ts";
import { type ManualResolver, manualResolver } from "../../../src/testing/index.ts";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";

/** A transport to real backends that come and go, and calls that never stop. */
export class Situation {
  readonly resolver: ManualResolver = manualResolver();
  readonly transport: GlinkTransport;
  readonly client: Client<typeof EchoService>;
  readonly #backends = new Map<string, ConnectEchoBackend>();
  readonly #loops: Promise<void>[] = [];
  #isOver = false;

  constructor(baseUrl: string) {
    this.transport = glinkTransport({ baseUrl, resolver: this.resolver, reconnectBackoff: { maxBackoffMs: 1_000 } });
    this.client = createClient(EchoService, this.transport);
  }

  get addresses(): readonly string[] {
    return [...this.#backends.keys()];
  }

  /** Starts a backend, which nobody is told of yet. */
  async start(host: string, port = 0): Promise<string> {
    const backend = await startConnectEcho({ host, port });
    this.#backends.set(backend.address, backend);
    return backend.address;
  }

  /** Ends a backend with all its connections. The resolver goes on naming it. */
  async kill(address: string): Promise<void> {
    await this.#backends.get(address)?.close();
    this.#backends.delete(address);
  }

  /** Says GOAWAY in good order, and waits for the open calls. */
  async shutDown(address: string): Promise<void> {
    await this.#backends.get(address)?.shutDownGracefully();
    this.#backends.delete(address);
  }

  /** Calls one after the other, with a pause, until the end. What they come to is not looked at. */
  call(pauseMs: number, delayMs = 0): void {
    this.#loops.push(this.#callOn(pauseMs, delayMs));
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.transport.close({ timeoutMs: 0 });
    await Promise.all([...this.#loops, ...this.addresses.map((address) => this.kill(address))]);
  }

  async #callOn(pauseMs: number, delayMs: number): Promise<void> {
    while (!this.#isOver) {
      await this.client.unary({ behavior: { delayMs } }, { timeoutMs: 5_000 }).catch(() => undefined);
      await sleep(pauseMs);
    }
  }
}
