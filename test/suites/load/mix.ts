import assert from "node:assert/strict";
import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";

/** The kinds of calls that a load is made of. Each throws unless its call did what it should. */
export interface LoadCalls {
  unary(id: string): Promise<void>;
  /** 64 KiB in the response, and in the request. */
  large(id: string): Promise<void>;
  /** {@link streamMessages} messages of {@link streamMessageBytes}. */
  serverStream(id: string): Promise<void>;
  /** {@link turns} messages there and back. */
  bidi(id: string): Promise<void>;
  /** Metadata comes back as header and as trailer. */
  metadata(id: string): Promise<void>;
  /** The server ends the call with this status. */
  status(id: string, code: Code): Promise<void>;
  /** The server takes longer than the deadline allows. */
  deadline(id: string): Promise<void>;
}

export const largeBytes = 65_536;
export const streamMessages = 10;
export const streamMessageBytes = 1_024;
export const turns = 4;
/** For calls that are to meet their deadline: what a busy machine needs at most. */
export const patientMs = 60_000;
/** For those that are not, and what their server takes. */
export const hastyMs = 20;
export const slowMs = 100;

/** Statuses that glink does not retry. */
const statuses = [Code.NotFound, Code.InvalidArgument, Code.FailedPrecondition, Code.PermissionDenied, Code.Aborted];

/** How many of a hundred calls are of each kind. */
const shares: readonly [count: number, make: (calls: LoadCalls, id: string, index: number) => Promise<void>][] = [
  [60, (calls, id) => calls.unary(id)],
  [10, (calls, id) => calls.large(id)],
  [10, (calls, id) => calls.serverStream(id)],
  [8, (calls, id) => calls.bidi(id)],
  [6, (calls, id) => calls.metadata(id)],
  [5, (calls, id, index) => calls.status(id, statuses[index % statuses.length] as Code)],
  [1, (calls, id) => calls.deadline(id)],
];

/** Makes the call of this number. The kinds alternate, the same way in each run. */
export function makeCall(calls: LoadCalls, index: number): Promise<void> {
  // 37 has no divisor in common with 100: every hundred calls have each remainder once.
  let place = (index * 37) % 100;
  for (const [count, make] of shares) {
    if (place < count) return make(calls, `call ${index}`, index);
    place -= count;
  }
  throw new Error("the shares are not 100 together");
}

/** What was received as header and as trailer, for calls that look at it. */
export class ReceivedMetadata {
  readonly #received = { header: new Headers(), trailer: new Headers() };

  /** Options for a call that sends these headers. */
  options(headers: Record<string, string>): CallOptions {
    return {
      headers,
      timeoutMs: patientMs,
      onHeader: (header) => {
        this.#received.header = header;
      },
      onTrailer: (trailer) => {
        this.#received.trailer = trailer;
      },
    };
  }

  check(header: readonly [string, string], trailer: readonly [string, string]): void {
    assert.equal(this.#received.header.get(header[0]), header[1]);
    assert.equal(this.#received.trailer.get(trailer[0]), trailer[1]);
  }
}

export async function failsWith(code: Code, call: Promise<unknown>, message?: string): Promise<void> {
  const error = await call.then(
    () => assert.fail(`the call succeeded, ${Code[code]} was expected`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError, `${error}`);
  assert.equal(error.code, code, error.message);
  if (message !== undefined) assert.equal(error.rawMessage, message);
}
