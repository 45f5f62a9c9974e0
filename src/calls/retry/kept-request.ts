import { ReplayBuffer, type ReplayLimit, type RequestWriter } from "./replay-buffer.ts";
import type { ReplayMemory } from "./replay-memory.ts";

/** A request whose body may be known from the start. */
interface BodyHolder {
  /** Gone once no attempt will need it any more. */
  body: Uint8Array | undefined;
}

/** A call's request, kept for as long as another attempt may have to send it. */
export class KeptRequest {
  readonly #request: BodyHolder;
  readonly #memory: ReplayMemory;
  /** What a streaming caller has sent; undefined where the body was known from the start. */
  readonly #buffer: ReplayBuffer | undefined;
  /** The limit that a body which was known from the start is above. */
  #bodyAbove: ReplayLimit | undefined;
  /** What of the memory such a body takes. */
  #bodyBytes = 0;
  #isEnded: boolean;

  constructor(request: BodyHolder, maxBytes: number, memory: ReplayMemory) {
    const { body } = request;
    this.#request = request;
    this.#memory = memory;
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

  /** What was sent and is not kept cannot be sent again: the attempt it went to is the last. */
  get isSentOnce(): boolean {
    return this.above !== undefined && this.#bodyBytes === 0;
  }

  /** Keeps one more message. */
  add(framed: Uint8Array): void {
    this.#buffer?.add(framed);
  }

  /** Nothing follows. */
  end(): void {
    this.#isEnded = true;
    this.#buffer?.end();
  }

  /** Sends what a streaming caller has sent so far. True when `writer` takes more, and there may be more. */
  sendTo(writer: RequestWriter): boolean {
    return this.#buffer?.sendTo(writer) ?? false;
  }

  /** No attempt will need the request any more. */
  release(): void {
    this.#buffer?.release();
    this.#request.body = undefined;
    this.#memory.letGo(this.#bodyBytes);
    this.#bodyBytes = 0;
  }

  /** A body above its call's limit is not retried. It is kept where there is room, to go again where it never left. */
  #keepBody(body: Uint8Array, maxBytes: number): void {
    if (body.length > maxBytes) this.#bodyAbove = "call";
    if (this.#memory.keep(body.length)) this.#bodyBytes = body.length;
    else this.#bodyAbove ??= "total";
  }
}
