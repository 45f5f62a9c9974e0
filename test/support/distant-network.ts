import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a server. */
export interface Distance {
  readonly roundTripMs: number;
  /** Of the server's answers; requests are not held up. Default: without limit. */
  readonly bytesPerMs?: number;
}

/** What goes at once where the rate is limited: a packet. */
const packetBytes = 1_400;

/**
 * Starts a long, or a narrow, way before `server`, which is `host:port`: what is under way on it is bounded by its ends
 * alone, as where routers have much memory.
 */
export async function startDistantNetwork(server: string, { roundTripMs, bytesPerMs }: Distance) {
  const [host = "", port = ""] = server.split(":");
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect({ host, port: Number(port) });
    pass(near, far, undefined);
    pass(far, near, bytesPerMs);
  });
  const pass = (from: Socket, to: Socket, rate: number | undefined) => {
    const later = delayed(roundTripMs / 2, rate);
    sockets.add(from);
    from.setNoDelay(true);
    from.on("data", (bytes) => {
      const step = rate === undefined ? bytes.length : packetBytes;
      for (let at = 0; at < bytes.length; at += step) {
        const piece = bytes.subarray(at, at + step);
        later(piece.length, () => !to.destroyed && to.write(piece));
      }
    });
    from.on("error", () => undefined);
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        proxy.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Lets things happen in their order, each so much later, and no faster than `bytesPerMs`. One timer for all of them. */
function delayed(delayMs: number, bytesPerMs = Number.POSITIVE_INFINITY) {
  const waiting: { readonly dueMs: number; readonly happens: () => void }[] = [];
  let linkFreeMs = 0;
  let isScheduled = false;
  const schedule = () => {
    const [first] = waiting;
    if (isScheduled || first === undefined) return;
    isScheduled = true;
    setTimeout(
      () => {
        isScheduled = false;
        const nowMs = performance.now();
        while (waiting[0] !== undefined && waiting[0].dueMs <= nowMs) waiting.shift()?.happens();
        schedule();
      },
      Math.max(0, first.dueMs - performance.now()),
    );
  };
  return (bytes: number, happens: () => void) => {
    linkFreeMs = Math.max(linkFreeMs, performance.now()) + bytes / bytesPerMs;
    waiting.push({ dueMs: linkFreeMs + delayMs, happens });
    schedule();
  };
}
