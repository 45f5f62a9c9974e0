import { readUint32, writeUint32 } from "./frames.ts";

/** PINGs of ours that are not answered yet. */
export class PendingPings {
  /** Undefined before the first one: most of many connections are never asked. */
  #pending: Map<number, () => void> | undefined;
  #last = 0;

  /** Returns the payload to send. */
  add(onAnswer: () => void): Uint8Array {
    this.#last = (this.#last + 1) >>> 0;
    this.#pending ??= new Map();
    this.#pending.set(this.#last, onAnswer);
    const payload = new Uint8Array(8);
    writeUint32(payload, 4, this.#last);
    return payload;
  }

  /** Payloads that we did not send are ignored: they answer nothing. */
  answered(payload: Uint8Array): void {
    if (readUint32(payload, 0) !== 0) return;
    const id = readUint32(payload, 4);
    const onAnswer = this.#pending?.get(id);
    this.#pending?.delete(id);
    onAnswer?.();
  }

  clear(): void {
    this.#pending?.clear();
  }
}
