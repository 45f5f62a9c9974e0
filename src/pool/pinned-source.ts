import { Code } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import type { HeaderFields, MethodHead, Stream, StreamListener } from "../http2/connection.ts";
import type { WaitReason } from "../observe/wait-reason.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { PinnedBackend } from "../subchannel/pinned-calls.ts";
import type { CallSource, PendingCall } from "./call-source.ts";

/** One backend as a source of connections, for calls that are the channel's own: they never wait. */
export class PinnedSource implements CallSource {
  readonly lastFailure = undefined;
  readonly eldestDial = undefined;
  readonly waitReason: WaitReason = "connect";
  readonly #to: PinnedBackend;

  constructor(to: PinnedBackend) {
    this.#to = to;
  }

  dispatch(call: PendingCall): void {
    const { backend, connections } = this.#to;
    const live = connections.find(({ hasRoom }) => hasRoom);
    if (live === undefined) call.onPickFailed(noRoom(backend.id));
    else call.onPicked(new OwnConnection(live), backend);
  }

  withdraw(): void {
    // None waits.
  }

  refresh(): void {
    // The pool hears of a lost connection without these calls.
  }

  hasConnectionBeyond(): boolean {
    return false;
  }
}

function noRoom(address: string): Failure {
  const message = "no connection of the backend takes a further stream";
  return { kind: "no-backend", code: Code.Unavailable, progress: "unsent", message, address };
}

/** A connection for requests that are no calls: what comes of them is not held against the backend. */
class OwnConnection implements CallConnection {
  readonly address: string;
  /** Nobody reads them. */
  messagesSent = 0;
  messagesReceived = 0;
  readonly #live: LiveConnection;

  constructor(live: LiveConnection) {
    this.address = live.address;
    this.#live = live;
  }

  request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    return this.#live.requestOwn(head, fields, body, listener);
  }

  noteAnswer(): void {
    this.#live.noteAnswer();
  }

  noteEnd(): void {
    // Not a call of the user's.
  }

  suspect(): void {
    // It has no deadline.
  }
}
