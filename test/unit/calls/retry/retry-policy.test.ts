import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import type { Failure, FailureKind, Progress } from "../../../../src/base/errors.ts";
import { type RetryOptions, retryDefaults } from "../../../../src/calls/retry/retry-options.ts";
import { decideRetry, type RetrySituation } from "../../../../src/calls/retry/retry-policy.ts";
import { constantRandom, seededRandom } from "../../../support/random.ts";

function failure(kind: FailureKind, progress: Progress, code: Code = Code.Unavailable): Failure {
  return { kind, progress, code, message: "it failed" };
}

const unavailable = failure("status", "unknown");
const lost = failure("connection-lost", "unknown");
const refused = failure("stream-reset", "refused");
const leftOver: Failure = { ...failure("goaway", "refused"), inGoodOrder: true };
const unsent = failure("connection-lost", "unsent");

const usual: RetrySituation = {
  failure: unavailable,
  reachedBackend: true,
  committed: false,
  answerBegan: false,
  above: undefined,
  attempts: 1,
  curveStep: 0,
  refusedBefore: false,
  goawaysInARow: 0,
  remainingMs: Number.POSITIVE_INFINITY,
  pushback: undefined,
  idempotent: false,
  longHeaders: false,
  nextWaits: false,
  otherConnection: true,
};

/** In short: "free", the wait in ms, "no", or the note that says why not. */
type Expected = "free" | "no" | number | RegExp;

function check(
  situation: Partial<RetrySituation>,
  expected: Expected,
  options: Partial<RetryOptions> | false = {},
  budgetLeft = true,
): void {
  const merged = options === false ? false : { ...retryDefaults, ...options };
  const decision = decideRetry({ ...usual, ...situation }, merged, () => budgetLeft, constantRandom());
  if (typeof expected === "number") {
    const { cause, ...rest } = { cause: undefined, ...decision };
    assert.deepEqual(rest, { retry: "policy", delayMs: expected });
    assert.equal(cause === "pushback", typeof situation.pushback === "number");
  } else if (expected === "free") assert.deepEqual(decision, { retry: "free", cause: "transparent", delayMs: 0 });
  else if (expected === "no") assert.deepEqual(decision, { retry: "no", withheld: undefined });
  else {
    assert.equal(decision.retry, "no");
    assert.match(decision.retry === "no" ? (decision.withheld?.note ?? "") : "", expected);
  }
}

interface Row {
  readonly what: string;
  readonly situation: Partial<RetrySituation>;
  readonly expected: Expected;
  readonly options?: Partial<RetryOptions> | false;
  readonly budgetLeft?: boolean;
}

const rows: readonly Row[] = [
  { what: "a status of Unavailable waits the initial backoff", situation: {}, expected: 100 },
  { what: "the second wait is multiplied", situation: { attempts: 2, curveStep: 1 }, expected: 200 },
  { what: "no wait is above the cap", situation: { curveStep: 30 }, expected: 1_000 },
  {
    what: "a server-sent DeadlineExceeded with time left is retried",
    situation: { failure: failure("status", "unknown", Code.DeadlineExceeded), remainingMs: 5_000 },
    expected: 100,
  },
  {
    what: "a per-attempt timeout with time left is retried",
    situation: { failure: failure("attempt-timeout", "unknown", Code.DeadlineExceeded), remainingMs: 5_000 },
    expected: 100,
  },
  {
    what: "our own deadline is not retried",
    situation: { failure: failure("deadline", "unknown", Code.DeadlineExceeded) },
    expected: "no",
  },
  {
    what: "the caller's abort is not retried, even if Canceled is listed",
    situation: { failure: failure("canceled", "unknown", Code.Canceled) },
    options: { codes: [Code.Canceled] },
    expected: "no",
  },
  { what: "a closed transport is not retried", situation: { failure: failure("closed", "unsent") }, expected: "no" },
  {
    what: "nothing runs when no time is left, not even a free retry",
    situation: { failure: unsent, remainingMs: 0 },
    expected: "no",
  },

  { what: "the last of maxAttempts is the last", situation: { attempts: 3 }, expected: "no" },
  { what: "maxAttempts counts the first", situation: {}, options: { maxAttempts: 1 }, expected: "no" },
  { what: "retry: false is exactly one attempt", situation: {}, options: false, expected: "no" },
  {
    what: "retry: false does not retry a refused request",
    situation: { failure: refused },
    options: false,
    expected: "no",
  },
  {
    what: "retry: false sends what never left again",
    situation: { failure: unsent },
    options: false,
    expected: "free",
  },

  {
    what: "an unsent request is free, whatever was before",
    situation: { failure: unsent, attempts: 3, refusedBefore: true },
    expected: "free",
  },
  {
    what: "an unsent request is free without budget",
    situation: { failure: unsent },
    budgetLeft: false,
    expected: "free",
  },
  {
    what: "an unsent request is free even if it is large",
    situation: { failure: unsent, above: "call" },
    expected: "free",
  },
  {
    what: "an unsent request is free for any code",
    situation: { failure: unsent },
    options: { codes: [] },
    expected: "free",
  },
  {
    what: "a refused request is free once",
    situation: { failure: refused, attempts: 3 },
    options: { codes: [] },
    expected: "free",
  },
  {
    what: "refused again, the policy decides and waits: that server lives",
    situation: { failure: refused, refusedBefore: true },
    expected: 100,
  },
  {
    what: "refused again with attempts used up, it ends",
    situation: { failure: refused, refusedBefore: true, attempts: 3 },
    expected: "no",
  },
  {
    what: "refused by a tenth GOAWAY in good order in a row, it is free, whatever was refused before",
    situation: { failure: leftOver, refusedBefore: true, goawaysInARow: 9 },
    options: { codes: [] },
    expected: "free",
  },
  {
    what: "refused by an eleventh, the policy decides, and waits where there is no other connection",
    situation: { failure: leftOver, goawaysInARow: 10, otherConnection: false },
    expected: 100,
  },
  {
    what: "refused by a GOAWAY with an error, it is free once, as by REFUSED_STREAM",
    situation: { failure: failure("goaway", "refused"), refusedBefore: true, otherConnection: false },
    expected: 100,
  },
  {
    what: "a connection that may have ended because of the request's own headers is not the first of several",
    situation: { failure: lost, longHeaders: true },
    expected: /not retried: .* length of the request's headers/,
  },
  {
    what: "long headers that a server refused, or that never left, have ended no connection",
    situation: { failure: leftOver, longHeaders: true, goawaysInARow: 10 },
    expected: 0,
  },
  {
    what: "no backend at all waits: there is nowhere to go at once",
    situation: { failure: failure("no-backend", "unsent"), otherConnection: false },
    expected: 100,
  },
  {
    what: "a full queue is not retried, even if its code is listed",
    situation: { failure: failure("queue-full", "unsent", Code.ResourceExhausted) },
    options: { codes: [Code.ResourceExhausted] },
    expected: "no",
  },

  { what: "a lost connection goes to another ready backend without a wait", situation: { failure: lost }, expected: 0 },
  {
    what: "a lost connection asks no budget on the way to another backend",
    situation: { failure: lost },
    budgetLeft: false,
    expected: 0,
  },
  {
    what: "a lost connection waits where no other backend is ready",
    situation: { failure: lost, otherConnection: false },
    expected: 100,
  },
  {
    what: "a lost connection asks the budget where no other backend is ready",
    situation: { failure: lost, otherConnection: false },
    budgetLeft: false,
    expected: /budget/,
  },

  { what: "a pushback is waited to the millisecond", situation: { pushback: 300, curveStep: 5 }, expected: 300 },
  { what: "a pushback of 0 retries at once", situation: { pushback: 0 }, expected: 0 },
  { what: "a pushback counts even after a lost connection", situation: { failure: lost, pushback: 70 }, expected: 70 },
  { what: "a pushback that is not a wait means no retry", situation: { pushback: "stop" }, expected: /no retry/ },
  {
    what: "a pushback beyond the deadline is not waited for",
    situation: { pushback: 300, remainingMs: 300 },
    expected: /no time left/,
  },
  {
    what: "a pushback does not make a code retryable",
    situation: { failure: failure("status", "unknown", Code.Internal), pushback: 5 },
    expected: "no",
  },

  { what: "a wait that cannot fit is not begun", situation: { remainingMs: 100 }, expected: /no time left/ },
  { what: "a wait that fits is", situation: { remainingMs: 101 }, expected: 100 },
  { what: "a used-up budget ends the call", situation: {}, budgetLeft: false, expected: /budget/ },

  {
    what: "idempotentOnly keeps a call that may have run from running again",
    situation: {},
    options: { idempotentOnly: true },
    expected: /may have run/,
  },
  {
    what: "idempotentOnly lets an idempotent method go",
    situation: { idempotent: true },
    options: { idempotentOnly: true },
    expected: 100,
  },
  {
    what: "idempotentOnly lets a call go that did not run",
    situation: { failure: refused, refusedBefore: true },
    options: { idempotentOnly: true },
    expected: 100,
  },
  {
    what: "idempotentOnly leaves free retries alone",
    situation: { failure: refused },
    options: { idempotentOnly: true },
    expected: "free",
  },

  { what: "a committed call is not retried", situation: { committed: true }, expected: "no" },
  {
    what: "a status that follows the message is the answer",
    situation: { answerBegan: true },
    expected: "no",
  },
  {
    what: "a connection that is lost between the message and the status has not answered",
    situation: { failure: lost, answerBegan: true },
    expected: 0,
  },
  {
    what: "a committed call is not retried for free",
    situation: { failure: refused, committed: true },
    expected: "no",
  },
  {
    what: "a committed call is not retried though unsent",
    situation: { failure: unsent, committed: true },
    expected: "no",
  },
  {
    what: "a request larger than the buffer is sent once, and the error says so",
    situation: { above: "call" },
    expected: /larger than retry.bufferMaxBytes 1048576/,
  },
  {
    what: "a request that does not fit beside those that are kept is sent once, and the error says so",
    situation: { above: "total" },
    expected: /not retried: the requests that are kept .* would be more than retry\.bufferTotalMaxBytes 16777216/,
  },
  {
    what: "a large request is sent once even if refused",
    situation: { failure: refused, above: "call" },
    expected: /larger than/,
  },
];

describe("what follows a failed attempt", () => {
  for (const { what, situation, expected, options, budgetLeft } of rows) {
    test(what, () => check(situation, expected, options, budgetLeft));
  }
});

test("of the 16 codes only those listed are retried", () => {
  for (let code = Code.Canceled; code <= Code.Unauthenticated; code++) {
    const listed = code === Code.Unavailable || code === Code.DeadlineExceeded;
    check({ failure: failure("status", "unknown", code) }, listed ? 100 : "no");
    check({ failure: failure("status", "unknown", code) }, 100, { codes: [code] });
  }
});

test("a decision against a retry spends no budget", () => {
  for (const { situation, options, expected } of rows) {
    if (typeof expected === "number") continue;
    let asked = 0;
    const merged = options === false ? false : { ...retryDefaults, ...options };
    const decision = decideRetry(
      { ...usual, ...situation },
      merged,
      () => {
        asked++;
        return true;
      },
      constantRandom(),
    );
    if (decision.retry !== "policy") assert.equal(asked, 0);
  }
});

test("waits grow with ± 20 % of jitter and never turn negative or unbounded", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000 }), fc.integer(), (curveStep, seed) => {
      const decision = decideRetry({ ...usual, curveStep }, retryDefaults, () => true, seededRandom(seed));
      assert.equal(decision.retry, "policy");
      if (decision.retry !== "policy") return;
      const middle = Math.min(100 * 2 ** curveStep, 1_000);
      assert.ok(decision.delayMs >= middle * 0.8 && decision.delayMs <= middle * 1.2, `${decision.delayMs}`);
    }),
  );
  const waits = [1, 2, 3].map((seed) => decideRetry(usual, retryDefaults, () => true, seededRandom(seed)));
  assert.equal(new Set(waits.map((wait) => "delayMs" in wait && wait.delayMs)).size, 3, "no two clients wait alike");
});

test("however a connection ends, its calls go to another without a wait and without budget", () => {
  const ends: readonly FailureKind[] = [
    "connection-lost",
    "connection-error",
    "goaway",
    "ping-timeout",
    "no-streams",
    "idle",
    "drain-timeout",
  ];
  for (const kind of ends) check({ failure: failure(kind, "unknown") }, 0, {}, false);
});
