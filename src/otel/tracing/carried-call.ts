import type { Context } from "@opentelemetry/api";
import type { AttemptStart, CallTracer } from "../../index.ts";
import type { Inject } from "./propagation.ts";

/** A call that nobody records: each of its attempts carries on what its context says. Its end is nobody's business. */
export class CarriedCall implements CallTracer {
  readonly #inject: Inject;
  readonly #context: Context;

  constructor(inject: Inject, context: Context) {
    this.#inject = inject;
    this.#context = context;
  }

  attemptStarted({ header }: AttemptStart): undefined {
    this.#inject(this.#context, header);
  }
}
