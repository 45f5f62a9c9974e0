import { Code } from "@connectrpc/connect";
import type { Failure } from "../../base/errors.ts";
import type { CallGuard } from "./call-guard.ts";

/** `maxOpenCalls`: so many calls at once, whatever their attempts (circuit breaking; gRFC A32). */
export class OpenCallLimit implements CallGuard {
  readonly reason = "max-open-calls";
  readonly #max: number;
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  refuse(): Failure | undefined {
    if (this.#open < this.#max) return undefined;
    const message = `${this.#open} calls are open already (maxOpenCalls ${this.#max})`;
    return { kind: "too-many-calls", code: Code.ResourceExhausted, progress: "unsent", message };
  }

  started(): void {
    this.#open++;
  }

  ended(): void {
    this.#open--;
  }
}
