import type { Socket } from "node:net";
import { version } from "../../base/version.ts";

/** What a proxy answered to CONNECT. */
export interface ProxyAnswer {
  readonly status: number;
  readonly reason: string;
  /** What it wants credentials in, as `Proxy-Authenticate` names the schemes. */
  readonly schemes: readonly string[];
}

/** Told what a proxy says: exactly one of the two, once. */
export interface ConnectRequestListener {
  /** After a status of 200 to 299 what follows on the socket is the backend's. */
  onAnswer(answer: ProxyAnswer): void;
  /** It says something that is no answer. */
  onNonsense(what: string): void;
}

/** More than any proxy's answer has before its body. */
const maxHeadBytes = 65_536;

const endOfHead = "\r\n\r\n";

/**
 * Asks the proxy at the other end of the socket for a connection to `authority` (RFC 9110 §9.3.6). The socket is paused
 * when the listener hears, and holds what came after the answer: a backend may be the first to speak.
 */
export function requestConnect(
  socket: Socket,
  authority: string,
  authorization: string | undefined,
  listener: ConnectRequestListener,
): void {
  let read: Buffer = Buffer.alloc(0);
  const stop = () => {
    socket.removeListener("data", onData);
    socket.pause();
  };
  const onData = (chunk: Buffer) => {
    read = Buffer.concat([read, chunk]);
    for (;;) {
      const end = read.indexOf(endOfHead);
      const nonsense = whatIsWrong(read, end);
      if (nonsense === undefined && end === -1) return;
      const answer = end === -1 ? undefined : answerOf(read.toString("latin1", 0, end));
      if (answer === undefined) {
        stop();
        listener.onNonsense(nonsense ?? "its answer is no HTTP");
        return;
      }
      read = read.subarray(end + endOfHead.length);
      // Interim answers announce another one (RFC 9110 §15.2).
      if (answer.status < 200) continue;
      stop();
      if (read.length > 0) socket.unshift(read);
      listener.onAnswer(answer);
      return;
    }
  };
  socket.on("data", onData);
  const credentials = authorization === undefined ? "" : `Proxy-Authorization: ${authorization}\r\n`;
  socket.write(
    `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: glink/${version}\r\n${credentials}\r\n`,
  );
}

/** Whether a proxy can be asked for it at all: a resolver may have named anything. */
export function isAskable(authority: string): boolean {
  return /^[\x21-\x7e]+$/.test(authority);
}

/** Seen as soon as it can be, because a peer that is no proxy may say nothing more. `end`: -1 before the head is whole. */
function whatIsWrong(read: Buffer, end: number): string | undefined {
  const expected = "HTTP/1.";
  if (!expected.startsWith(read.toString("latin1", 0, expected.length))) return "its answer is no HTTP";
  return (end === -1 ? read.length : end) > maxHeadBytes
    ? `its answer has more than ${maxHeadBytes} bytes of headers`
    : undefined;
}

function answerOf(head: string): ProxyAnswer | undefined {
  const [statusLine = "", ...fields] = head.split("\r\n");
  const [, status, reason = ""] = /^HTTP\/1\.\d (\d{3})(?: (.*))?$/.exec(statusLine) ?? [];
  if (status === undefined) return undefined;
  const schemes = fields.flatMap((field) => /^proxy-authenticate:\s*([\w-]+)/i.exec(field)?.[1] ?? []);
  return { status: Number(status), reason, schemes };
}
