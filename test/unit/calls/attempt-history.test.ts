import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import type { Failure } from "../../../src/base/errors.ts";
import { AttemptHistory, type CallState, type FailedAttempt } from "../../../src/calls/attempt-history.ts";
import type { CallContext } from "../../../src/calls/call-context.ts";
import { retryDefaults } from "../../../src/calls/retry/retry-options.ts";
import { FakeBackend } from "../../support/fake-backend.ts";
import { constantRandom } from "../../support/random.ts";

/** An attempt that reached a backend, which sent no pushback. */
const attempt: FailedAttempt = {
  backend: new FakeBackend("10.0.0.1"),
  connection: undefined,
  response: { pushback: undefined },
};

/** Only what a history looks at: no budget, and another connection to go to. */
const context = {
  attempt: { source: { hasConnectionBeyond: () => true } },
  random: constantRandom(),
  retryLimit: { current: undefined },
} as unknown as CallContext;

const state: CallState = {
  committed: false,
  answerBegan: false,
  above: undefined,
  remainingMs: Number.POSITIVE_INFINITY,
  idempotent: false,
  longHeaders: false,
  nextWaits: false,
};

const unsent: Failure = { kind: "connection-lost", progress: "unsent", code: Code.Unavailable, message: "lost" };
const leftOver: Failure = {
  kind: "goaway",
  progress: "refused",
  code: Code.Unavailable,
  message: "goaway",
  inGoodOrder: true,
};
const refused: Failure = { kind: "stream-reset", progress: "refused", code: Code.Unavailable, message: "refused" };

test("a request that never left does not use up the one free retry of a refused one", () => {
  const history = new AttemptHistory(retryDefaults, context);
  const decisions = [unsent, refused, refused].map((failure) => history.next(attempt, failure, state).retry);
  assert.deepEqual(decisions, ["free", "free", "policy"]);
});

test("GOAWAYs in good order are counted in a row, apart from the one free retry of REFUSED_STREAM", () => {
  const lost: Failure = { ...unsent, progress: "unknown" };
  const history = new AttemptHistory({ ...retryDefaults, maxAttempts: 100 }, context);
  const decide = (failures: readonly Failure[]) => failures.map((one) => history.next(attempt, one, state).retry);
  const ten = Array.from({ length: 10 }, () => leftOver);
  assert.deepEqual(new Set(decide(ten)), new Set(["free"]));
  assert.deepEqual(decide([leftOver, refused, leftOver, refused]), ["policy", "free", "policy", "policy"]);
  assert.deepEqual(decide([lost]), ["policy"]);
  assert.deepEqual(new Set(decide(ten)), new Set(["free"]));
});
