import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { eventLog } from "../../../src/observe/event-log.ts";
import type { GlinkEvent, GlinkFact } from "../../../src/observe/events.ts";

const target = "http://echo.test";
const error = { kind: "dial", code: Code.Unavailable, progress: "unsent", message: "cannot connect" } as const;

/** An event as the bus completes it. */
const event = (fact: GlinkFact): GlinkEvent => ({ ...fact, target, at: 0 });

function written(facts: GlinkFact[], levels: readonly string[]): string[] {
  const lines: string[] = [];
  const at = (level: string) => (_: unknown, message: string) => {
    if (levels.includes(level)) lines.push(`${level} ${message}`);
  };
  const listener = eventLog({ debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") });
  for (const fact of facts) listener(event(fact));
  return lines;
}

function state(from: "idle" | "connecting" | "ready", to: "ready" | "transient-failure", failed: boolean): GlinkFact {
  return {
    type: "subchannel-state",
    address: "10.0.0.1:1",
    from,
    to,
    ready: 1,
    backends: 3,
    ...(failed ? { error } : {}),
  };
}

test("a backend that stays unreachable is one line per episode, not one per dial", () => {
  const dial = [state("connecting", "transient-failure", true), state("connecting", "transient-failure", true)];
  const lines = written([...dial, state("connecting", "ready", false), ...dial], ["warn"]);
  assert.equal(lines.length, 2);
});

test("a lost backend is one line", () => {
  assert.equal(written([state("ready", "transient-failure", true)], ["warn"]).length, 1);
});

test("the return of a backend that was reported is a line on info, and one that was not reported is none", () => {
  const outage = [state("ready", "transient-failure", true), state("connecting", "transient-failure", true)];
  const lines = written(
    [state("connecting", "ready", false), ...outage, state("connecting", "ready", false)],
    ["info"],
  );
  assert.deepEqual(lines, ["info 10.0.0.1:1 is ready again (1 of 3 backends are ready)"]);
});

test("a suspect that stays silent is a warning, and its return a line on info", () => {
  const address = "10.0.0.1:1";
  const suspect: GlinkFact = { type: "subchannel-suspect", address, reason: "deadline" };
  const silent: GlinkFact = { type: "subchannel-silent", address, silentMs: 2_000 };
  const usable: GlinkFact = { type: "subchannel-usable", address, suspectMs: 1 };
  assert.deepEqual(written([suspect, usable], ["info", "warn"]), [], "short suspicions are no news");
  const lines = written([suspect, silent, usable], ["info", "warn"]);
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? "", /^warn 10\.0\.0\.1:1 has said nothing for 2000 ms/);
  assert.match(lines[1] ?? "", /^info 10\.0\.0\.1:1 answers again/);
});

test("only the first failed renewal of an episode is a warning", () => {
  const failed = (first: boolean): GlinkFact => ({ type: "renewal-failed", address: "a:1", error, first });
  assert.deepEqual(written([failed(true), failed(false)], ["warn"]), [
    "warn the connection to a:1 could not be replaced before its maximum age, and goes on: cannot connect",
  ]);
});

test("a change of the backends is one line on info", () => {
  const event: GlinkFact = { type: "pool-updated", added: ["a"], removed: [], leaving: [], kept: 2 };
  assert.deepEqual(written([event], ["info", "warn"]), ["info backends changed: 1 added, 0 removed, 2 kept"]);
});

test("only the first failed lookup of an episode is a warning", () => {
  const failed = (first: boolean): GlinkFact => ({ type: "resolve-failed", error, first });
  assert.equal(written([failed(true), failed(false), failed(false)], ["warn"]).length, 1);
});
