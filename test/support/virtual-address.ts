import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy on 127.0.0.1 in front of several servers, as the ClusterIP of a Service is. */
export interface VirtualAddress {
  readonly address: string;
  /** Connections accepted so far. */
  readonly connections: () => number;
  /** Cuts every new connection as soon as it is accepted. */
  refuseNew(): void;
  /** Connections cut that way. */
  readonly refused: () => number;
  /** Swallows every byte of the connections that are open now, either way, without closing them. */
  freeze(): void;
  close(): Promise<void>;
}

/** Each new connection goes to the next of `ports` on 127.0.0.1 in turn. */
export async function startVirtualAddress(ports: readonly number[]): Promise<VirtualAddress> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let connections = 0;
  let refusing = false;
  let refused = 0;
  const server = createServer((near) => {
    near.on("error", () => undefined);
    if (refusing) {
      refused++;
      near.destroy();
      return;
    }
    const far = connect(ports[connections++ % ports.length] as number, "127.0.0.1");
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const socket of pair) {
      const other = socket === near ? far : near;
      socket.setNoDelay(true);
      socket.on("data", (bytes) => other.write(bytes));
      socket.on("error", () => undefined);
      socket.on("end", () => other.end());
      socket.once("close", () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    address: `127.0.0.1:${port}`,
    connections: () => connections,
    refused: () => refused,
    refuseNew() {
      refusing = true;
    },
    freeze() {
      for (const pair of pairs) {
        for (const socket of pair) socket.removeAllListeners("data").on("data", () => undefined);
      }
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await closed;
    },
  };
}
