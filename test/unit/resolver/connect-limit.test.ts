import assert from "node:assert/strict";
import { test } from "node:test";
import { limitConnect } from "../../../src/resolver/connect-limit.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function limited(socket: { connecting: boolean; destroyed: boolean }, isHeld: () => boolean) {
  const clock = new ManualClock();
  const told = { unrefs: 0, reasons: [] as string[] };
  limitConnect({ ...socket, unref: () => told.unrefs++ }, { clock, held: isHeld }, (why) => told.reasons.push(why));
  return { clock, told };
}

test("a connect that nobody waits for is given up at the next look, and one that a call waits for after 5 s, once", async () => {
  const connecting = { connecting: true, destroyed: false };
  const unwanted = limited(connecting, () => false);
  await unwanted.clock.advance(10_000);
  assert.deepEqual(unwanted.told, {
    unrefs: 1,
    reasons: ["took no connection within 1000 ms, and no call waits for it"],
  });
  const wanted = limited(connecting, () => true);
  await wanted.clock.advance(4_999);
  assert.deepEqual(wanted.told.reasons, []);
  await wanted.clock.advance(10_000);
  assert.deepEqual(wanted.told.reasons, ["took no connection within 5000 ms"]);
});

test("a socket that is connected, or gone, is left alone, and unref'd all the same", async () => {
  for (const socket of [
    { connecting: false, destroyed: false },
    { connecting: true, destroyed: true },
  ]) {
    const { clock, told } = limited(socket, () => false);
    await clock.advance(10_000);
    assert.deepEqual(told, { unrefs: 1, reasons: [] });
  }
});
