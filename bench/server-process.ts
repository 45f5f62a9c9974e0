import { readFileSync } from "node:fs";
import { built, root } from "./build.ts";
import { LineProcess } from "./line-process.ts";
import type { Load, PeerName } from "./loads.ts";
import type { ListenerName } from "./server/answers.ts";
import type { TcpListenerName } from "./server/canned-tcp.ts";

/** The ports of one canned server: each answers in its own way. */
export interface ServerPorts {
  readonly http2: Readonly<Record<ListenerName, number>>;
  readonly tcp: Readonly<Record<TcpListenerName, number>>;
}

const tlsFolder = `${root}bench/tls`;

/** The canned servers of a run, each in a process of its own. */
export class Servers {
  readonly #processes: readonly LineProcess[];
  readonly #ports: readonly ServerPorts[];

  private constructor(processes: readonly LineProcess[], ports: readonly ServerPorts[]) {
    this.#processes = processes;
    this.#ports = ports;
  }

  static async start(count = 2): Promise<Servers> {
    const processes = Array.from(
      { length: count },
      () => new LineProcess("canned server", process.execPath, [built("bench/server/main.ts"), tlsFolder]),
    );
    return new Servers(processes, await Promise.all(processes.map((one) => one.receive<ServerPorts>())));
  }

  /** `host:port` of so many backends: 127.0.0.1 and onwards, spread over the servers. */
  backends(peer: PeerName, load: Pick<Load, "listener" | "addresses">): string[] {
    return Array.from({ length: load.addresses }, (_, i) => {
      const { http2, tcp } = this.#ports[i % this.#ports.length] as ServerPorts;
      const port = peer === "tcp" ? tcp[load.listener as TcpListenerName] : http2[load.listener];
      const host = 1 + Math.floor(i / this.#ports.length);
      return `127.0.${host >> 8}.${host & 0xff}:${port}`;
    });
  }

  /** PEM of the certificate of `tls`, for `localhost`. */
  get certificate(): string {
    return readFileSync(`${tlsFolder}/cert.pem`, "utf8");
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.end()));
  }
}
