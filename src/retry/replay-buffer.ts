/** The messages a call has sent so far, kept so that another attempt can send them again. */
export class ReplayBuffer {
  readonly #maxBytes: number;
  #messages: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True once more was sent than may be kept: from then on the call cannot be repeated. */
  get overflowed(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  /** Messages in order. Beyond the limit they are still here until {@link release}: they may wait for a stream. */
  get messages(): readonly Uint8Array[] {
    return this.#messages;
  }

  add(message: Uint8Array): void {
    this.#bytes += message.length;
    this.#messages.push(message);
  }

  /** Lets the messages go: no attempt will need them any more. */
  release(): void {
    this.#messages = [];
  }
}
