import assert from "node:assert/strict";
import { test } from "node:test";
import { NewestWork } from "../../../src/runtime/newest-work.ts";
import type { Steps } from "../../../src/runtime/portions.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

/** Works of so many turns, and which of them were begun, and done. */
function works(turns: number) {
  const clock = new ManualClock();
  const newest = new NewestWork(clock);
  const [begun, done]: [string[], string[]] = [[], []];
  function* steps(name: string): Steps<void> {
    begun.push(name);
    for (let turn = 0; turn < turns; turn++) yield 1_000_000;
    done.push(name);
  }
  const begin = (name: string) => newest.begin(() => steps(name));
  const turn = () => clock.advance(0);
  return { newest, begun, done, begin, turn };
}

test("newer work takes the place of what is not done, once in a row; then the newest waits for the work at hand", async () => {
  const { begun, done, begin, turn } = works(3);
  for (const name of ["a", "b", "c", "d"]) begin(name);
  assert.deepEqual(begun, ["a", "b"]);
  for (let i = 0; i < 8; i++) await turn();
  assert.deepEqual(
    [begun, done],
    [
      ["a", "b", "d"],
      ["b", "d"],
    ],
  );
});

test("work that comes faster than it can be done is done all the same, every other one", async () => {
  const { begun, done, begin, turn } = works(3);
  for (let i = 0; i < 40; i++) {
    begin(String(i));
    await turn();
  }
  assert.ok(done.length >= 5, `${done.length} of ${begun.length} that were begun`);
});

test("work that failed does not keep what waits for it waiting", async () => {
  const { newest, done, begin, turn } = works(1);
  begin("a");
  assert.throws(
    () =>
      newest.begin(function* () {
        begin("b");
        yield 1;
        throw new Error("it failed");
      }),
    /it failed/,
  );
  for (let i = 0; i < 4; i++) await turn();
  assert.deepEqual(done, ["b"]);
  begin("c");
  for (let i = 0; i < 4; i++) await turn();
  assert.deepEqual(done, ["b", "c"]);
});

test("what may be replaced says so, and what was stopped never goes on", async () => {
  const { newest, begun, done, begin, turn } = works(2);
  const replaced: boolean[] = [];
  begin("a");
  newest.begin(function* () {
    begin("b");
    replaced.push(newest.yieldRest());
    yield 1;
  });
  assert.deepEqual([replaced, begun], [[true], ["a", "b"]]);
  begin("c");
  newest.stop();
  for (let i = 0; i < 4; i++) await turn();
  assert.deepEqual(done, []);
  begin("d");
  for (let i = 0; i < 4; i++) await turn();
  assert.deepEqual(done, ["d"]);
  await settle();
});
