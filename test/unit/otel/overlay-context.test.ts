import assert from "node:assert/strict";
import { test } from "node:test";
import { createContextKey, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { overlayOf } from "../../../src/otel/tracing/overlay-context.ts";

const one = createContextKey("one");
const two = createContextKey("two");

test("a context with a value over it says that value, and of all else what is below", () => {
  const below = ROOT_CONTEXT.setValue(one, 1).setValue(two, 2);
  const over = overlayOf(below).setValue(one, "new");
  assert.deepEqual([over.getValue(one), over.getValue(two)], ["new", 2]);
  assert.deepEqual([below.getValue(one), below.getValue(two)], [1, 2]);
});

test("a value can be taken away, and set again", () => {
  const below = overlayOf(ROOT_CONTEXT.setValue(one, 1));
  const without = below.deleteValue(one);
  assert.equal(without.getValue(one), undefined);
  assert.equal(without.setValue(one, 3).getValue(one), 3);
  assert.equal(below.getValue(one), 1);
});

test("OpenTelemetry finds the span that it sets there", () => {
  const span = trace.wrapSpanContext({ traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 0 });
  const context = trace.setSpan(overlayOf(ROOT_CONTEXT), span);
  assert.equal(trace.getSpan(context), span);
  assert.equal(trace.getSpan(ROOT_CONTEXT), undefined);
});
