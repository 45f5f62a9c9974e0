/**
 * One fuzz case as data: everything that makes it run again. It is what a regression file holds, and what the generator,
 * the minimiser and the recorded sessions have in common.
 */
export interface FuzzCase {
  /** What the case is, in words. */
  readonly note: string;
  /** Where it came from; 0 for one that was written by hand. */
  readonly seed: number;
  /** How the case came to be. A `valid` one breaks no rule of HTTP/2, and no difference is tolerated in it. */
  readonly origin: "valid" | "mutated" | "recorded";
  /** Our initial window. */
  readonly initialWindowBytes: number;
  /** Steps of the server before its first SETTINGS are whole: the dial ends with them. */
  readonly opening: readonly Step[];
  /** Calls that the client opens once it has dialled. */
  readonly calls: readonly CallPlan[];
  readonly steps: readonly Step[];
}

/** A request. Its body is zeros. */
export interface CallPlan {
  readonly bodyBytes: number;
  /** The request side ends with the body. Otherwise it stays open for `write` and `end`. */
  readonly ends: boolean;
}

/** What happens next, once the client has read everything before it. */
export type Step =
  /** One write of the server's, in hex. */
  | { readonly send: string; readonly what: string }
  | { readonly server: "fin" | "rst" }
  | { readonly client: "drain" | "ping" }
  | { readonly client: "reset" | "pause" | "resume" | "end"; readonly call: number }
  | { readonly client: "write"; readonly call: number; readonly bytes: number }
  | { readonly client: "open"; readonly plan: CallPlan };

/** All that the server sends, in order. */
export function sentBytes(steps: readonly Step[]): Buffer {
  return Buffer.concat(steps.map((step) => ("send" in step ? Buffer.from(step.send, "hex") : Buffer.alloc(0))));
}
