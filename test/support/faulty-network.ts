import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { resetSocket } from "../../src/testing/backends/reset-socket.ts";

/** What happens to bytes on their way. */
export interface NetworkFaults {
  /** Holds every piece this long; asked for each, where it varies. */
  readonly delayMs?: number | (() => number);
  /** Cuts what passes into pieces of this many bytes, each a write of its own. */
  readonly sliceBytes?: number;
}

/** A bad network before a server: a TCP proxy that delays, slices, swallows and cuts. */
export interface FaultyNetwork {
  readonly address: string;
  /** Connections accepted so far. */
  readonly connections: () => number;
  /** Swallows every byte of the connections that are open now, either way, without closing them. */
  freeze(): void;
  /** Reads nothing more from the connections that are open now: what is sent into them clogs. */
  stall(): void;
  /** Ends every connection with a TCP RST. */
  reset(): void;
  /** The same, and nobody listens. Resolves when dials are refused. */
  down(): Promise<void>;
  /** Listens again, on the same address. */
  up(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a network before `server`, which is `host:port`. */
export async function startFaultyNetwork(server: string, faults: NetworkFaults = {}): Promise<FaultyNetwork> {
  const [host = "", port = ""] = server.split(":");
  const sockets = new Set<Socket>();
  const frozen = new WeakSet<Socket>();
  let connections = 0;
  const pass = (from: Socket, to: Socket) => {
    let last = Promise.resolve();
    const next = (work: () => void) => {
      last = last.then(async () => {
        const { delayMs } = faults;
        if (delayMs !== undefined) await sleep(typeof delayMs === "number" ? delayMs : delayMs());
        if (!frozen.has(from) && !to.destroyed) work();
      });
    };
    from.on("data", (bytes) => {
      const step = faults.sliceBytes ?? bytes.length;
      for (let at = 0; at < bytes.length; at += step) next(() => to.write(bytes.subarray(at, at + step)));
    });
    from.on("end", () => next(() => to.end()));
    from.on("error", () => undefined);
    from.on("close", () => {
      sockets.delete(from);
      next(() => to.destroy());
    });
    from.setNoDelay(true);
    sockets.add(from);
  };
  const proxy = createServer({ allowHalfOpen: true }, (near) => {
    connections++;
    const far = connect({ host, port: Number(port), allowHalfOpen: true });
    pass(near, far);
    pass(far, near);
  });
  const listen = (on: number) => new Promise<void>((resolve) => proxy.listen(on, "127.0.0.1", resolve));
  const reset = () => {
    for (const socket of sockets) resetSocket(socket);
  };
  await listen(0);
  const ownPort = (proxy.address() as AddressInfo).port;
  return {
    address: `127.0.0.1:${ownPort}`,
    connections: () => connections,
    freeze() {
      for (const socket of sockets) frozen.add(socket);
    },
    stall() {
      for (const socket of sockets) socket.pause();
    },
    reset,
    async down() {
      const closed = new Promise((resolve) => proxy.close(resolve));
      reset();
      await closed;
    },
    up: () => listen(ownPort),
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
