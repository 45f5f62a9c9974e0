import type { Socket } from "node:net";

/**
 * Ends a connection with a TCP RST. Not while its FIN is leaving: libuv refuses that, and Node then never closes the socket,
 * nor ends the process.
 */
export function resetSocket(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding) socket.once("finish", () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}
