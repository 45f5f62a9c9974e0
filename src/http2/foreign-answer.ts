import { peerText } from "../base/peer-text.ts";

/** What a port speaks that does not speak HTTP/2. */
export type ForeignProtocol = "http/1.1" | "tls";

/** The first bytes of a peer are no HTTP/2, and tell what they are. */
export class ForeignAnswer extends Error {
  readonly speaks: ForeignProtocol;

  constructor(speaks: ForeignProtocol, message: string) {
    super(message);
    this.speaks = speaks;
  }
}

/** An HTTP/1.1 server says so in plain text, and TLS with an alert (RFC 8446 §5.1, §6). Undefined: it is neither. */
export function foreignAnswer(chunk: Buffer, length: number): ForeignAnswer | undefined {
  if (length >= 2 && chunk[0] === 0x15 && chunk[1] === 0x03) {
    return new ForeignAnswer("tls", "it answered with an alert of TLS");
  }
  const text = chunk.toString("latin1", 0, Math.min(length, 64));
  if (!text.startsWith("HTTP/")) return undefined;
  return new ForeignAnswer("http/1.1", `it answered "${peerText(text.split("\r\n")[0] as string)}"`);
}
