import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallListener } from "../../../src/calls/call.ts";
import { type AnsweredAttempt, ResponseGate } from "../../../src/calls/response-gate.ts";
import { noResponse } from "../../../src/protocol/protocol.ts";

/** A gate, what it shows, and when the call is committed. */
function gateFor(singleResponse: boolean) {
  const log: string[] = [];
  const shownTo: CallListener = {
    onHeaders: (fields) => log.push(`headers ${fields.join(" ")}`),
    onMessage: (_, payload) => log.push(`message ${Buffer.from(payload)}`),
    onWritable: () => assert.fail("not the gate's"),
    onEnd: () => assert.fail("not the gate's"),
  };
  const gate = new ResponseGate(singleResponse, shownTo, { onCommitted: () => log.push("committed") });
  return { gate, log };
}

function attemptOf(name: string): AnsweredAttempt {
  return { response: { ...noResponse, headers: ["from", name] }, heldMessage: undefined };
}

const bytes = (text: string) => Buffer.from(text);

test("a single response is shown at its end, and nothing of an attempt that failed", () => {
  const { gate, log } = gateFor(true);
  const [first, second] = [attemptOf("first"), attemptOf("second")];
  gate.headers(first.response.headers);
  gate.message(first, 0, bytes("a"));
  gate.headers(second.response.headers);
  gate.message(second, 0, bytes("b"));
  assert.deepEqual([log, gate.isCommitted], [[], false]);
  gate.succeeded(second);
  assert.deepEqual(log, ["committed", "headers from second", "message b"]);
});

test("a stream is shown from its headers on, once", () => {
  const { gate, log } = gateFor(false);
  const attempt = attemptOf("one");
  gate.headers(attempt.response.headers);
  gate.message(attempt, 0, bytes("a"));
  gate.message(attempt, 0, bytes("b"));
  gate.succeeded(attempt);
  assert.deepEqual(log, ["committed", "headers from one", "message a", "message b"]);
});

test("messages of which there should be one are each shown once, for the caller to judge", () => {
  const { gate, log } = gateFor(true);
  const attempt = attemptOf("one");
  for (const text of ["a", "b", "c"]) gate.message(attempt, 0, bytes(text));
  gate.succeeded(attempt);
  assert.deepEqual(log, ["committed", "headers from one", "message a", "message b", "message c"]);
});

test("whoever ends the call as it is shown the headers is shown nothing more", () => {
  const log: string[] = [];
  const shownTo: CallListener = {
    onHeaders: () => {
      log.push("headers");
      gate.close();
    },
    onMessage: () => log.push("message"),
    onWritable: () => undefined,
    onEnd: () => undefined,
  };
  const gate: ResponseGate = new ResponseGate(true, shownTo, { onCommitted: () => undefined });
  const attempt = attemptOf("one");
  gate.message(attempt, 0, bytes("a"));
  gate.succeeded(attempt);
  assert.deepEqual(log, ["headers"]);
});
