import type { FramedMessage } from "../../protocol/framed-message.ts";
import type { ReplayMemory } from "./replay-memory.ts";

/** Where a request goes: an attempt. */
export interface RequestWriter {
  /** False: it has no more room for now. It takes the message all the same. */
  write(framed: FramedMessage): boolean;
  end(framed?: FramedMessage): void;
}

/** The limit that a request is above: of one call (`bufferMaxBytes`), or of all together (`bufferTotalMaxBytes`). */
export type ReplayLimit = "call" | "total";

/** What a streaming call has sent so far, kept so that another attempt can send it again. */
export class ReplayBuffer {
  readonly #maxBytes: number;
  readonly #memory: ReplayMemory;
  #messages: FramedMessage[] = [];
  #keptBytes = 0;
  #above: ReplayLimit | undefined;
  #ended = false;

  constructor(maxBytes: number, memory: ReplayMemory) {
    this.#maxBytes = maxBytes;
    this.#memory = memory;
  }

  /** Defined once more was added than may be kept. It is still here until {@link release}: it may wait for a stream. */
  get above(): ReplayLimit | undefined {
    return this.#above;
  }

  add(message: FramedMessage): void {
    this.#messages.push(message);
    if (this.#above !== undefined) return;
    if (this.#keptBytes + message.length > this.#maxBytes) this.#above = "call";
    else if (!this.#memory.keep(message.length)) this.#above = "total";
    else this.#keptBytes += message.length;
  }

  /** No message follows. */
  end(): void {
    this.#ended = true;
  }

  /**
   * Sends all of it, in order, and the end of the request if that was reached.
   * @returns true when the writer takes more, and there may be more.
   */
  sendTo(writer: RequestWriter): boolean {
    const last = this.#messages.length - 1;
    let hasRoom = true;
    for (const [i, message] of this.#messages.entries()) {
      if (this.#ended && i === last) writer.end(message);
      else hasRoom = writer.write(message);
    }
    if (this.#ended && last < 0) writer.end();
    return hasRoom && !this.#ended;
  }

  /** Lets the messages go: no attempt will need them any more. */
  release(): void {
    this.#messages = [];
    this.#memory.letGo(this.#keptBytes);
    this.#keptBytes = 0;
  }
}
