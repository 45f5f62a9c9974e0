import type { CallRequest } from "../call.ts";
import type { ReplayLimit } from "../retry/replay-buffer.ts";
import type { ReplayMemory } from "../retry/replay-memory.ts";

/** The request of a hedged call: whole before its first attempt, and kept for all of them where there is room. */
export class HedgedBody {
  readonly #request: CallRequest;
  readonly #maxBytes: number;
  readonly #memory: ReplayMemory;
  #parts: Uint8Array[] = [];
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

  add(framed: Uint8Array): void {
    this.#parts.push(framed);
  }

  /** The request is whole. */
  end(framed: Uint8Array | undefined): void {
    const parts = framed === undefined ? this.#parts : [...this.#parts, framed];
    const body = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
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

  #keep(body: Uint8Array): void {
    if (body.length > this.#maxBytes) this.#above = "call";
    else if (this.#memory.keep(body.length)) this.#keptBytes = body.length;
    else this.#above = "total";
  }
}
