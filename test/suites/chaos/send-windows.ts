import { frameType, type PeerConnection, type PeerRequest, setting } from "../../support/frame-peer.ts";

/** What a window is until somebody says otherwise (RFC 9113 §6.9.2). */
const defaultBytes = 65_535;

/** What a client takes in a frame, unless it says otherwise (RFC 9113 §6.5.2). */
export const frameMaxBytes = 16_384;

const ack = 0x1;

interface Answer {
  readonly request: PeerRequest;
  rest: Uint8Array;
  readonly sent: () => void;
}

/** What one connection's client may be sent, in all and of each stream (RFC 9113 §5.2), and what waits for that. */
export class SendWindows {
  #connectionBytes = defaultBytes;
  #initialBytes = defaultBytes;
  /** By stream: what it has more or less than the initial size. */
  readonly #changes = new Map<number, number>();
  #waiting: Answer[] = [];

  /** Sends as much of the bytes as the client takes, and the rest when it takes it. `sent`: all of them have left. */
  send(request: PeerRequest, bytes: Uint8Array, sent: () => void): void {
    this.#waiting.push({ request, rest: bytes, sent });
    this.#go();
  }

  /** A frame came. */
  heard(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (type === frameType.windowUpdate) this.#grow(streamId, payload.readUInt32BE(0));
    else if (type === frameType.settings && (flags & ack) === 0) this.#resize(payload);
    else if (type === frameType.rstStream)
      this.#waiting = this.#waiting.filter(({ request }) => request.id !== streamId);
    this.#go();
  }

  #grow(streamId: number, bytes: number): void {
    if (streamId === 0) this.#connectionBytes += bytes;
    else this.#changes.set(streamId, (this.#changes.get(streamId) ?? 0) + bytes);
  }

  #resize(settings: Buffer): void {
    for (let at = 0; at + 6 <= settings.length; at += 6) {
      if (settings.readUInt16BE(at) === setting.initialWindowSize) this.#initialBytes = settings.readUInt32BE(at + 2);
    }
  }

  #go(): void {
    const answers = this.#waiting;
    this.#waiting = [];
    for (const answer of answers) {
      this.#sendSome(answer);
      if (answer.rest.length > 0) this.#waiting.push(answer);
      else answer.sent();
    }
  }

  #sendSome(answer: Answer): void {
    const { id } = answer.request;
    for (;;) {
      const streamBytes = this.#initialBytes + (this.#changes.get(id) ?? 0);
      const bytes = Math.min(answer.rest.length, frameMaxBytes, streamBytes, this.#connectionBytes);
      if (bytes <= 0) return;
      answer.request.data(answer.rest.subarray(0, bytes));
      answer.rest = answer.rest.subarray(bytes);
      this.#grow(0, -bytes);
      this.#grow(id, -bytes);
    }
  }
}

/** Of each connection of a peer. */
export class AllSendWindows {
  readonly #windows = new WeakMap<PeerConnection, SendWindows>();

  of(connection: PeerConnection): SendWindows {
    const windows = this.#windows.get(connection) ?? new SendWindows();
    this.#windows.set(connection, windows);
    return windows;
  }
}
