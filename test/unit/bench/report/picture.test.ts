import assert from "node:assert/strict";
import { test } from "node:test";
import { costPicture } from "../../../../bench/report/picture.ts";
import { loadResult, resultOf } from "../results.ts";

/** The attributes of each element of that name and class. */
function elements(svg: string, name: string, group: string): Record<string, string>[] {
  return Array.from(svg.matchAll(new RegExp(`<${name}([^>]*) ?/?>`, "g")), ([, text = ""]) =>
    Object.fromEntries(Array.from(text.matchAll(/([\w-]+)="([^"]*)"/g), ([, key = "", value = ""]) => [key, value])),
  ).filter((attributes) => attributes.class === group);
}

const result = resultOf({
  loads: [loadResult("unary-c32", { glink: [20, 10, 25], "grpc-js": [160, 160, 160], "grpc-go": [40, 40, 40] })],
});
const svg = costPicture(result);
/** Where grpc-go is. */
const one = Number(elements(svg, "line", "one")[0]?.x1);

test("who takes less than grpc-go has a bar to the left of it, and who takes more one to the right", () => {
  // The first of each class is the legend's.
  const [, glink] = elements(svg, "rect", "glink");
  const [, grpcJs] = elements(svg, "rect", "grpc-js");
  assert.ok(Math.abs(Number(glink?.x) + Number(glink?.width) - one) < 0.2);
  assert.equal(Number(grpcJs?.x), one);
  // Half of grpc-go's is one doubling, four times as much is two.
  assert.ok(Math.abs(2 * Number(glink?.width) - Number(grpcJs?.width)) < 0.5);
});

test("a whisker spans the least and the most of the processes, and the label says the median", () => {
  const [whisker] = elements(svg, "line", "whisker");
  const [, glink] = elements(svg, "rect", "glink");
  const perDoubling = Number(glink?.width);
  assert.ok(Math.abs(Number(whisker?.x1) - (one - 2 * perDoubling)) < 0.5);
  assert.ok(Math.abs(Number(whisker?.x2) - (one + Math.log2(25 / 40) * perDoubling)) < 0.5);
  assert.match(svg, />0\.50<\/text>/);
  assert.match(svg, />4\.00<\/text>/);
});

test("it says what is drawn, and which direction is better", () => {
  assert.match(svg, /<title>Client CPU of a call, in multiples of grpc-go's: less is better<\/title>/);
  assert.match(svg, />grpc-go = 1<\/text>/);
});

test("a client and a load that were not measured have no bar", () => {
  assert.equal(elements(svg, "rect", "createGrpcTransport").length, 1);
  assert.doesNotMatch(svg, /server stream/);
});

test("elements are closed, and texts are escaped", () => {
  const open: string[] = [];
  for (const [, close, name = "", self] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (self === "/") continue;
    if (close === "/") assert.equal(open.pop(), name);
    else open.push(name);
  }
  assert.deepEqual(open, []);
  assert.match(svg, /A &amp; B/);
});

test("it has colours for a light and for a dark background", () => {
  assert.match(svg, /@media \(prefers-color-scheme: dark\)/);
});
