import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { Code, ConnectError } from "@connectrpc/connect";
import { earlyError, toConnectError } from "../../../src/base/connect-error.ts";
import { canceledFailure, connectionFailure } from "../../../src/base/errors.ts";
import { glinkFailureOf } from "../../../src/base/glink-failure.ts";
import { thrownFailure } from "../../../src/base/thrown-failure.ts";

const lost = connectionFailure(
  "connection-lost",
  "10.0.0.7:50051",
  "unknown",
  "the connection was lost: read ECONNRESET",
);
const error = toConnectError(lost, { attempts: 3, note: "the retry budget is used up" });

const expected = {
  kind: "connection-lost",
  progress: "unknown",
  attempts: 3,
  address: "10.0.0.7:50051",
  note: "the retry budget is used up",
  docs: "docs/errors.md#connection-lost",
};

test("a failure is read from its error, whose text and fields are as without", () => {
  assert.deepEqual(glinkFailureOf(error), expected);
  const text =
    "the connection was lost: read ECONNRESET (backend 10.0.0.7:50051, 3 attempts, the retry budget is used up)";
  assert.equal(error.message, `[unavailable] ${text}`);
  assert.deepEqual(Object.keys(error).sort(), Object.keys(new ConnectError(text, Code.Unavailable)).sort());
  assert.equal(JSON.stringify(error).includes("glink"), false);
});

test("an error that has glink's as its cause is answered for by that one, the outermost first", () => {
  const wrapped = new Error("cannot place the order", { cause: new ConnectError("x", Code.Internal, {}, [], error) });
  assert.deepEqual(glinkFailureOf(wrapped), expected);
  assert.deepEqual(glinkFailureOf({ cause: error }), expected);
  const outer = toConnectError(canceledFailure(error.message), { attempts: 0 });
  assert.equal(glinkFailureOf(Object.assign(outer, { cause: error }))?.kind, "canceled");
});

test("an error of another copy of this package, and of another context, is known", () => {
  const { docs, ...noted } = expected;
  const foreign: object = runInNewContext("new Error('of another context')");
  Object.defineProperty(foreign, Symbol.for("glink.failure"), { value: noted });
  assert.deepEqual(glinkFailureOf(foreign), { ...noted, docs });
});

test("an error that was thrown within a call is that call's once it has ended, and remains it as the reason of another", () => {
  const early = earlyError("message-size", Code.ResourceExhausted, "too large");
  const known = { kind: "message-size", note: undefined, docs: "docs/errors.md#message-size" };
  assert.deepEqual(glinkFailureOf(early), { ...known, progress: "unsent", attempts: 0, address: undefined });
  const failure = { ...thrownFailure(Code.Internal, early, "unknown"), address: "10.0.0.7:50051" };
  assert.equal(toConnectError(failure, { attempts: 2 }), early);
  const ended = { ...known, progress: "unknown", attempts: 2, address: "10.0.0.7:50051" };
  assert.deepEqual(glinkFailureOf(early), ended);
  assert.equal(toConnectError(canceledFailure(early), { attempts: 7 }), early);
  assert.deepEqual(glinkFailureOf(early), ended);
});

test("a ConnectError of the caller's own remains as it is", () => {
  const own = new ConnectError("mine", Code.DataLoss);
  assert.equal(toConnectError(thrownFailure(Code.Internal, own, "unknown"), { attempts: 1 }), own);
  assert.equal(glinkFailureOf(own), undefined);
});

test("a ConnectError as the reason of a signal is the error of each call that it ends, and tells of none", () => {
  for (const code of [Code.Canceled, Code.DeadlineExceeded]) {
    const reason = new ConnectError("of the call that is served", code);
    for (const attempts of [1, 2]) assert.equal(toConnectError(canceledFailure(reason), { attempts }), reason);
    assert.equal(glinkFailureOf(reason), undefined);
  }
});

test("what is not glink's has no failure, whatever it is, and nobody throws", () => {
  const itsOwnCause = new Error("round");
  itsOwnCause.cause = new Error("and round", { cause: itsOwnCause });
  const throwing = {
    get cause() {
      throw new Error("do not look");
    },
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const others = [new Error("x"), itsOwnCause, throwing, revoked.proxy, "text", 7, null, undefined, Symbol("s")];
  for (const other of others) assert.equal(glinkFailureOf(other), undefined);
});
