import type { Clock } from "../runtime/clock.ts";

/** A socket, as far as its TCP connect goes. */
export interface ConnectingSocket {
  /** True until TCP is connected. */
  readonly connecting: boolean;
  /** True once it is of no use. */
  readonly destroyed: boolean;
  /** From now on it does not keep the process alive. */
  unref(): unknown;
}

/** How long a TCP connect may take. */
export interface ConnectLimit {
  /** That of the runtime. */
  readonly clock: Clock;
  /** Whether a call is open: `held` of the runtime's `hold`. Without one, the connect is given up at the next look. */
  readonly held: () => boolean;
}

/** A server that takes no connection within this is away. */
const longestMs = 5_000;

/** How often it is looked whether anybody waits for it. */
const lookMs = 1_000;

/**
 * For resolvers with sockets of their own: `unref`s a socket, and ends its TCP connect in time, which keeps the process alive
 * though the socket is unref'd, for two minutes where a firewall drops its packets. `fail` is called, once, when it has lasted
 * for 5 s, or for a second and no call is open; its text goes behind the server's name. It destroys the socket.
 */
export function limitConnect(
  socket: ConnectingSocket,
  { clock, held }: ConnectLimit,
  fail: (why: string) => void,
): void {
  socket.unref();
  if (!socket.connecting) return;
  const untilMs = clock.now() + longestMs;
  const look = () => {
    if (!socket.connecting || socket.destroyed) return;
    if (clock.now() >= untilMs) fail(`took no connection within ${longestMs} ms`);
    else if (held()) clock.setTimeout(look, lookMs);
    else fail(`took no connection within ${lookMs} ms, and no call waits for it`);
  };
  clock.setTimeout(look, lookMs);
}
