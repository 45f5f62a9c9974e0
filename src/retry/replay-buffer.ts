/** Where a request goes: an attempt. */
export interface RequestSink {
  /** False: the sink has no more room for now. It takes the bytes all the same. */
  write(bytes: Uint8Array): boolean;
  end(bytes?: Uint8Array): void;
}

/** What a streaming call has sent so far, kept so that another attempt can send it again. */
export class ReplayBuffer {
  readonly #maxBytes: number;
  #messages: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True once more was added than may be kept. It is still here until {@link release}: it may wait for a stream. */
  get overflowed(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  add(message: Uint8Array): void {
    this.#bytes += message.length;
    this.#messages.push(message);
  }

  /** No message follows. */
  end(): void {
    this.#ended = true;
  }

  /**
   * Sends all of it, in order, and the end of the request if that was reached.
   * @returns true when the sink takes more, and there may be more.
   */
  sendTo(sink: RequestSink): boolean {
    const last = this.#messages.length - 1;
    let hasRoom = true;
    for (const [i, message] of this.#messages.entries()) {
      if (this.#ended && i === last) sink.end(message);
      else hasRoom = sink.write(message);
    }
    if (this.#ended && last < 0) sink.end();
    return hasRoom && !this.#ended;
  }

  /** Lets the messages go: no attempt will need them any more. */
  release(): void {
    this.#messages = [];
  }
}
