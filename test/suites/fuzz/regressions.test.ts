import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkForLeaks } from "../../support/leaks.ts";
import { engines } from "../../unit/http2/wire/engine.ts";
import { Arena } from "./arena.ts";
import { examine } from "./fuzzer.ts";
import { readRegressions, standingsOf } from "./regression.ts";

checkForLeaks();

describe("what fuzzing once found", () => {
  for (const { name, regression } of readRegressions()) {
    it(`is right now: ${regression.symptom} (${name})`, async () => {
      const arena = await Arena.start();
      try {
        const { findings, plays } = await examine(arena, engines, regression);
        assert.deepEqual(
          findings.map(({ text }) => text),
          [],
        );
        assert.deepEqual(standingsOf(plays), regression.expected);
      } finally {
        await arena.close();
      }
    });
  }
});
