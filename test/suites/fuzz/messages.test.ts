import assert from "node:assert/strict";
import { test } from "node:test";
import { checkForLeaks } from "../../support/leaks.ts";
import { engines } from "../../unit/http2/wire/engine.ts";
import { frame, frameTypes, settingsAck, settingsFrame } from "../../unit/http2/wire/raw-peer.ts";
import { Arena } from "./arena.ts";
import { examine } from "./fuzzer.ts";
import { sendStep } from "./generator.ts";

checkForLeaks();

test("a call is not told that the peer closed a connection which Node ended over what the peer sent", async () => {
  const arena = await Arena.start();
  try {
    const { plays } = await examine(arena, engines, {
      note: "an answer to a PING that nobody sent",
      seed: 0,
      origin: "mutated",
      initialWindowBytes: 65_535,
      opening: [sendStep(settingsFrame([])), sendStep(settingsAck())],
      calls: [{ bodyBytes: 5, ends: true }],
      steps: [sendStep(frame(frameTypes.ping, 1, 0, Buffer.alloc(8)))],
    });
    const call = plays.find(({ engine }) => engine === "node")?.calls[0];
    assert.match(call?.message ?? "", /the connection was lost: ERR_HTTP2_ERROR: Protocol error/);
  } finally {
    await arena.close();
  }
});
