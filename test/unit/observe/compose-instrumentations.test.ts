import assert from "node:assert/strict";
import { test } from "node:test";
import { composeInstrumentations } from "../../../src/observe/compose-instrumentations.ts";
import { CallCounters } from "../../../src/observe/counters.ts";
import { EventBus } from "../../../src/observe/event-bus.ts";
import type { GlinkEvent } from "../../../src/observe/events.ts";
import type { CallStart, ChannelView, Instrumentation } from "../../../src/observe/instrumentation.ts";

const events = new EventBus("http://echo.test");
const names = {
  target: "http://echo.test",
  grpcTarget: "dns:///echo.test:80",
  serverAddress: "echo.test",
  protocol: "grpc" as const,
  serverPort: 80,
};
const start: CallStart = {
  ...names,
  method: {
    service: "a.Service",
    name: "Method",
    singleRequest: true,
    singleResponse: true,
    idempotency: "unknown",
  },
  timeoutMs: undefined,
  contextValues: undefined,
};
const view: ChannelView = {
  ...names,
  snapshot: () => assert.fail("nobody asks"),
  counts: () => new CallCounters().read(),
  subscribe: () => () => undefined,
};

/** What code of the user's threw meanwhile. */
function thrownDuring(work: () => void): string[] {
  const thrown: string[] = [];
  const stop = events.subscribe((event: GlinkEvent) => {
    if (event.type === "user-code-failed") thrown.push(`${event.where}: ${event.error.message}`);
  });
  work();
  stop();
  return thrown;
}

function fail(): never {
  throw new Error("broken");
}

test("no instrumentation is none, and calls that nobody follows have no tracer", () => {
  assert.equal(composeInstrumentations([], events), undefined);
  const deaf = composeInstrumentations([{}, { callStarted: () => undefined }], events);
  assert.equal(deaf?.callStarted(start), undefined);
});

test("each is attached and detached, whatever the others throw", () => {
  const log: string[] = [];
  const attached = (name: string): Instrumentation => ({
    attach({ target }) {
      log.push(`${name} ${target}`);
      return () => log.push(`${name} leaves`);
    },
  });
  const thrown = thrownDuring(() => {
    composeInstrumentations([{ attach: fail }, attached("a"), { attach: () => fail }, attached("b")], events)?.attach(
      view,
    )();
  });
  assert.deepEqual(log, ["a http://echo.test", "b http://echo.test", "a leaves", "b leaves"]);
  assert.deepEqual(thrown, ["instrumentation: broken", "instrumentation: broken"]);
});
