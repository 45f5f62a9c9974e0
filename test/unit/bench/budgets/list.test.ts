import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../../../../bench/budgets/list.ts";
import { everyPeer, loads } from "../../../../bench/loads.ts";
import { loadResult, resultOf } from "../results.ts";

const everybody = [...everyPeer, "glink-plain", "glink-node-plain"] as const;
const all = resultOf({
  loads: loads.map(({ name }) => loadResult(name, Object.fromEntries(everybody.map((peer) => [peer, [1]])))),
});

test("each budget is wanted once", () => {
  const texts = judge(all).map(({ subject, wanted }) => `${subject}: ${wanted}`);
  assert.deepEqual(texts, [...new Set(texts)]);
});

test("small unary calls, gzip, interceptors, streams and large messages by plain TCP and TLS have one", () => {
  const subjects = new Set(judge(all).map(({ subject }) => subject));
  const wanted = [
    ...["unary, small", "unary, 4 KiB, gzip", "unary, 64 KiB, gzip", "unary, interceptor sets a header"],
    ...["bidi stream, 100 messages", "unary, 16 MiB", "unary, 16 MiB, TLS"],
  ];
  assert.deepEqual(
    wanted.filter((one) => !subjects.has(one)),
    [],
  );
});

test("a run that measured nothing has no verdicts", () => assert.deepEqual(judge(resultOf({})), []));
