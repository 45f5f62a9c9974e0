import type { Socket } from "node:net";

/**
 * Bytes that wait below Node's streams for the kernel to take them: where node:http2 writes, past the socket's own
 * buffer. Undocumented; Node's own timeouts of sockets rely on it. 0 for a Duplex that is no socket.
 */
export function socketBacklogBytes(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { readonly writeQueueSize?: number } | null };
  return handle?.writeQueueSize ?? 0;
}
