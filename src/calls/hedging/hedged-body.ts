import { type FramedMessage, joinMessages } from "../../protocol/framed-message.ts";
import type { CallRequest } from "../call.ts";
import type { ReplayLimit } from "../retry/replay-buffer.ts";
import type { ReplayMemory } from "../retry/replay-memory.ts";

/** The request of a hedged call: whole before its first attempt, and kept for all of them where there is room. */
export class HedgedBody {
  readonly #request: CallRequest;
  readonly #maxBytes: number;
  readonly #memory: ReplayMemory;
  #parts: FramedMessage[] = [];
  #keptBytes = 0;
  #above: ReplayLimit | undefined;

  constructor(request: CallRequest, maxBytes: number, memory: ReplayMemory) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#memory = memory;
    if (request.body !== undefined) this.#keep(request.body);
  }

  /** Defined: the request is more than what is kept, and is sent once. */
  get above(): ReplayLimit | undefined {
    return this.#above;
  }

  add(framed: FramedMessage): void {
    this.#parts.push(framed);
  }

  /** The request is whole. */
  end(framed: FramedMessage | undefined): void {
    const parts = framed === undefined ? this.#parts : [...this.#parts, framed];
    const body = parts.length === 1 ? (parts[0] as FramedMessage) : joinMessages(parts);
    this.#parts = [];
    this.#request.body = body;
    this.#keep(body);
  }

  /** No attempt will need it any more. */
  release(): void {
    this.#request.body = undefined;
    this.#memory.letGo(this.#keptBytes);
    this.#keptBytes = 0;
  }

  #keep(body: FramedMessage): void {
    if (body.length > this.#maxBytes) this.#above = "call";
    else if (this.#memory.keep(body.length)) this.#keptBytes = body.length;
    else this.#above = "total";
  }
}
