import type { FramedMessage } from "../protocol/framed-message.ts";
import type { ResponseGate } from "./response-gate.ts";
import { ReplayBuffer, type ReplayLimit, type RequestWriter } from "./retry/replay-buffer.ts";
import type { ReplayMemory } from "./retry/replay-memory.ts";

/** A request whose body may be known from the start. */
interface RequestBody {
  /** Gone once no attempt will need it any more. */
  body: FramedMessage | undefined;
}

/** Where the request goes now: an attempt. */
export interface RequestStream extends RequestWriter {
  /** True while it takes bytes. */
  readonly isOnStream: boolean;
}

/** What a call sends: to the attempt under way, and kept for as long as another one may have to send it again. */
export class OutgoingRequest {
  readonly #request: RequestBody;
  readonly #memory: ReplayMemory;
  readonly #gate: ResponseGate;
  /** What a streaming caller has sent; undefined where the body was known from the start. */
  readonly #buffer: ReplayBuffer | undefined;
  /** The limit that a body which was known from the start is above. */
  #bodyAbove: ReplayLimit | undefined;
  /** What of the memory such a body takes. */
  #bodyBytes = 0;
  #isEnded: boolean;

  constructor(request: RequestBody, maxBytes: number, memory: ReplayMemory, gate: ResponseGate) {
    const { body } = request;
    this.#request = request;
    this.#memory = memory;
    this.#gate = gate;
    this.#isEnded = body !== undefined;
    if (body === undefined) this.#buffer = new ReplayBuffer(maxBytes, memory);
    else this.#keepBody(body, maxBytes);
  }

  /** The caller has said all that it has to say. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Defined: the request is more than what is kept, and is sent once. */
  get above(): ReplayLimit | undefined {
    return this.#buffer === undefined ? this.#bodyAbove : this.#buffer.above;
  }

  /** Sends one more message. False: the caller waits until it may send more. */
  send(framed: FramedMessage, stream: RequestStream | undefined): boolean {
    if (!this.#gate.isCommitted) this.#buffer?.add(framed);
    // Without a stream the message waits here, and one is enough of them.
    if (!stream?.isOnStream) return false;
    this.#commitIfSentOnce();
    return stream.write(framed);
  }

  /** Nothing follows, but for a last message or none. */
  end(framed: FramedMessage | undefined, stream: RequestStream | undefined): void {
    if (framed !== undefined && !this.#gate.isCommitted) this.#buffer?.add(framed);
    this.#isEnded = true;
    this.#buffer?.end();
    if (!stream?.isOnStream) return;
    this.#commitIfSentOnce();
    stream.end(framed);
  }

  /** Sends what a streaming caller has sent so far. True when `stream` takes more, and there may be more. */
  sendTo(stream: RequestStream): boolean {
    const takesMore = this.#buffer?.sendTo(stream) ?? false;
    this.#commitIfSentOnce();
    return takesMore;
  }

  /** No attempt will need the request any more. */
  release(): void {
    this.#buffer?.release();
    this.#request.body = undefined;
    this.#memory.letGo(this.#bodyBytes);
    this.#bodyBytes = 0;
  }

  /** A body above its call's limit is not retried. It is kept where there is room, to go again where it never left. */
  #keepBody(body: FramedMessage, maxBytes: number): void {
    if (body.length > maxBytes) this.#bodyAbove = "call";
    if (this.#memory.keep(body.length)) this.#bodyBytes = body.length;
    else this.#bodyAbove ??= "total";
  }

  /** What was sent and is not kept cannot be sent again: the attempt it went to is the last. */
  #commitIfSentOnce(): void {
    if (this.above !== undefined && this.#bodyBytes === 0) this.#gate.commit();
  }
}
