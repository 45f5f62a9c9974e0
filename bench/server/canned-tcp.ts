import type { Socket } from "node:net";
import type { ListenerName } from "./answers.ts";
import { smallMessage } from "./answers.ts";

/** Messages with four bytes of length before them, over bare TCP: what one process can do at the most. */
function lengthPrefixed(payload: Uint8Array): Buffer {
  const framed = Buffer.alloc(4 + payload.length);
  framed.writeUInt32BE(payload.length);
  framed.set(payload, 4);
  return framed;
}

/** What the `tcp` peer can be measured with. */
export const tcpListeners = ["echo", "bidi", "stream100", "stream10000"] as const satisfies readonly ListenerName[];
export type TcpListenerName = (typeof tcpListeners)[number];

/** Answers as the HTTP/2 listener of the same name does. */
export function serveTcp(socket: Socket, name: TcpListenerName): void {
  socket.on("error", () => socket.destroy());
  if (name === "echo" || name === "bidi") {
    socket.on("data", (chunk) => socket.write(chunk));
    return;
  }
  const count = name === "stream100" ? 100 : 10_000;
  const answer = Buffer.concat(new Array<Buffer>(count).fill(lengthPrefixed(smallMessage)));
  const requestBytes = 4 + smallMessage.length;
  let received = 0;
  socket.on("data", (chunk: Buffer) => {
    for (received += chunk.length; received >= requestBytes; received -= requestBytes) socket.write(answer);
  });
}
