import { Code } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import { queueMicrotask } from "../runtime/microtask.ts";
import type { Stream, StreamListener } from "./connection.ts";

/**
 * Stands for a request that is not sent, because its headers are longer than what the peer takes: a stream that ends
 * before it has begun. Its listener hears so as soon as `request` has returned.
 */
export class OversizedRequest implements Stream {
  #listener: StreamListener | undefined;

  constructor(listener: StreamListener, address: string, headerListBytes: number, limitBytes: number) {
    this.#listener = listener;
    const failure: Failure = {
      kind: "invalid-request",
      code: Code.ResourceExhausted,
      progress: "unsent",
      message: `the request headers have ${headerListBytes} bytes, and the server accepts ${limitBytes}`,
      address,
    };
    queueMicrotask(() => this.#listener?.onClosed(failure));
  }

  write(): boolean {
    return true;
  }

  end(): void {
    // Nothing is sent.
  }

  reset(): void {
    this.#listener = undefined;
  }

  pause(): void {
    // Nothing comes.
  }

  resume(): void {
    // Nothing comes.
  }
}
