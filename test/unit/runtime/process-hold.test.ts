import assert from "node:assert/strict";
import { test } from "node:test";
import { systemHold } from "../../../src/runtime/process-hold.ts";

test("the hold counts its holders and tells when the last lets go", () => {
  const hold = systemHold();
  let idle = 0;
  const stop = hold.onIdle(() => idle++);
  hold.acquire();
  hold.acquire();
  hold.release();
  assert.deepEqual([hold.held, idle], [true, 0]);
  hold.release();
  assert.deepEqual([hold.held, idle], [false, 1]);
  stop();
  hold.acquire();
  hold.release();
  assert.equal(idle, 1);
  hold.close();
});

test("a released hold keeps nothing alive", () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const hold = systemHold();
  hold.acquire();
  assert.equal(timers(), before + 1);
  hold.release();
  assert.equal(timers(), before);
  hold.close();
});
