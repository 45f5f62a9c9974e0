import assert from "node:assert/strict";
import { test } from "node:test";
import { checkForLeaks } from "../../../support/leaks.ts";
import { caseSeed } from "../chance.ts";
import { examine } from "./examine.ts";
import { Players } from "./players.ts";
import { Responder } from "./responder.ts";
import { generateResponse } from "./response-generator.ts";

checkForLeaks();

test("120 odd responses in all protocols are the same to both engines, and what connect-node sees otherwise is known", async () => {
  const responder = await Responder.start();
  const players = new Players(responder.baseUrl);
  try {
    const seen = new Set<string>();
    for (let index = 0; index < 120; index++) {
      const one = generateResponse(caseSeed(7, index));
      seen.add(`${one.protocol} ${one.asGet ? "GET" : one.kind} ${one.format}`);
      const { findings } = await examine(responder, players, one);
      assert.deepEqual(findings, [], `npm run fuzz:responses -- --case ${one.seed}`);
    }
    assert.equal(seen.size, 14, "protocols, kinds and formats, and GET");
  } finally {
    await players.close();
    await responder.close();
  }
});

test("a seed makes the same response every time", () => {
  const seed = caseSeed(1, 2);
  assert.deepEqual(generateResponse(seed), generateResponse(seed));
  assert.notDeepEqual(generateResponse(seed), generateResponse(caseSeed(1, 3)));
});
