import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PendingPings } from "../../../../src/http2/wire/pending-pings.ts";

describe("PendingPings", () => {
  it("takes one answer to each PING, and ignores what repeats it", () => {
    const pings = new PendingPings();
    const answers: string[] = [];
    const first = pings.add(() => answers.push("first"));
    const second = pings.add(() => answers.push("second"));
    for (const payload of [second, first, second, first]) pings.answered(payload);
    assert.deepEqual(answers, ["second", "first"]);
  });
});
