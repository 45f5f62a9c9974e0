import assert from "node:assert/strict";
import { test } from "node:test";
import { CallList, type ListedCall } from "../../../src/calls/call-list.ts";

class NamedCall implements ListedCall {
  earlier: ListedCall | undefined;
  later: ListedCall | undefined;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  cancel(): void {}
}

function listOf(...names: string[]) {
  const list = new CallList();
  const calls = names.map((name) => new NamedCall(name));
  for (const call of calls) list.add(call);
  return { list, calls };
}

function namesIn(list: CallList): string {
  const names: string[] = [];
  list.walk((call) => names.push((call as NamedCall).name));
  return names.join("");
}

test("calls are visited in the order in which they came, whoever has left meanwhile", () => {
  for (const [leaving, left] of [
    ["a", "bcd"],
    ["b", "acd"],
    ["d", "abc"],
    ["ad", "bc"],
    ["cb", "ad"],
    ["abcd", ""],
  ] as const) {
    const { list, calls } = listOf(..."abcd");
    for (const name of leaving) assert.equal(list.delete(calls.find((call) => call.name === name) as NamedCall), true);
    assert.equal(namesIn(list), left);
    assert.equal(list.size, left.length);
    list.add(new NamedCall("e"));
    assert.equal(namesIn(list), `${left}e`);
  }
});

test("a call leaves a list once, and one that was never in it does not leave it", () => {
  const { list, calls } = listOf("a");
  const [a] = calls as [NamedCall];
  assert.equal(list.delete(new NamedCall("b")), false);
  assert.equal(list.has(a), true);
  assert.equal(list.delete(a), true);
  assert.equal(list.delete(a), false);
  assert.equal(list.has(a), false);
  assert.equal(list.size, 0);
});

test("a call that left keeps no other call alive", () => {
  const { list, calls } = listOf("a", "b", "c");
  const b = calls[1] as NamedCall;
  list.delete(b);
  assert.deepEqual([b.earlier, b.later], [undefined, undefined]);
});

test("calls that leave or come while the others are visited are not visited", () => {
  const { list, calls } = listOf("a", "b", "c");
  const visited: string[] = [];
  list.walk((call) => {
    const { name } = call as NamedCall;
    visited.push(name);
    if (name === "a") {
      list.delete(calls[1] as NamedCall);
      list.delete(call);
      list.add(new NamedCall("d"));
    }
  });
  assert.deepEqual(visited, ["a", "c"]);
  assert.equal(namesIn(list), "cd");
});
