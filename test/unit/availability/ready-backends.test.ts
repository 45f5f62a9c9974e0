import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAvailabilityOptions } from "../../../src/availability/availability-options.ts";
import { backends, type FakeBackend, readyBackends } from "../../support/fake-backend.ts";

test("those that are connected and usable are the list, and all that are connected while none is usable", () => {
  const [a, b, c] = backends("a", "b", "c") as [FakeBackend, FakeBackend, FakeBackend];
  const ready = readyBackends();
  c.state = "connecting";
  ready.update([a, b, c]);
  assert.deepEqual(ready.list, [a, b]);
  a.availability = "suspect";
  ready.update([a]);
  assert.deepEqual(ready.list, [b]);
  b.availability = "suspect";
  ready.update([b]);
  assert.deepEqual(ready.list, [a, b]);
  c.state = "ready";
  ready.update([c]);
  assert.deepEqual(ready.list, [c]);
  c.state = "shutdown";
  b.availability = "usable";
  ready.update([b, c]);
  assert.deepEqual(ready.list, [b]);
});

test("a change of others leaves the list the same array, and a list that was given away never changes", () => {
  const [a, b] = backends("a", "b") as [FakeBackend, FakeBackend];
  const ready = readyBackends();
  ready.update([a]);
  const before = ready.list;
  b.state = "transient-failure";
  ready.update([b]);
  assert.equal(ready.list, before);
  b.state = "ready";
  ready.update([b]);
  assert.notEqual(ready.list, before);
  assert.deepEqual(before, [a]);
});

test("there is room while one of the list has room, whatever those have that are left out", () => {
  const [a, b] = backends("a", "b") as [FakeBackend, FakeBackend];
  const ready = readyBackends();
  assert.equal(ready.anyRoom, false);
  b.availability = "suspect";
  ready.update([a, b]);
  assert.equal(ready.anyRoom, true);
  a.full = true;
  assert.equal(ready.roomChanged(a), false);
  assert.equal(ready.anyRoom, false, "the suspect's room is for nobody");
  a.full = false;
  assert.equal(ready.roomChanged(a), true);
  assert.equal(ready.roomChanged(b), false);
  a.state = "idle";
  ready.update([a]);
  assert.equal(ready.anyRoom, true, "now the suspect's counts");
});

test("10 000 backends that come and go one by one are looked at once each", () => {
  const list = backends(...Array.from({ length: 10_000 }, (_, i) => String(i)));
  const ready = readyBackends();
  for (const backend of list) ready.update([backend]);
  assert.equal(ready.list.length, 10_000);
  const looks = list.reduce((sum, backend) => sum + backend.looks, 0);
  assert.ok(looks <= 30_000, `${looks} looks`);
  for (const backend of list) backend.state = "shutdown";
  ready.update(list);
  assert.deepEqual(ready.list, []);
  assert.equal(ready.anyRoom, false);
});

test("below the threshold calls go to all that are connected, but for suspects, and that it began and ended is told", () => {
  const told: string[] = [];
  const [a, b, c, d] = backends("a", "b", "c", "d") as [FakeBackend, FakeBackend, FakeBackend, FakeBackend];
  const ready = readyBackends(0.5, told);
  ready.update([a, b, c, d]);
  a.availability = "unhealthy";
  b.availability = "ejected";
  ready.update([a, b]);
  assert.deepEqual(ready.list, [c, d], "half of them are enough");
  assert.equal(ready.canSpare(c), false);
  c.availability = "suspect";
  ready.update([c]);
  assert.deepEqual(ready.list, [d], "a suspect is passed over, which is no reason for panic");
  d.availability = "unhealthy";
  ready.update([d]);
  assert.deepEqual(ready.list, [a, d, b], "a suspect does not answer: others may");
  assert.equal(ready.panics, true);
  assert.deepEqual(told, ["began, 1 of 4"]);
  a.availability = "usable";
  ready.update([a]);
  assert.deepEqual(ready.list, [a]);
  assert.deepEqual(told, ["began, 1 of 4", "ended, 2 of 4"]);
});

test("by default there is panic below a half of those that are connected", () => {
  const { panicThreshold } = checkAvailabilityOptions({});
  const all = backends("a", "b", "c", "d") as [FakeBackend, FakeBackend, FakeBackend, FakeBackend];
  const ready = readyBackends(panicThreshold);
  ready.update(all);
  const panicsAfter = all.slice(1).map((backend) => {
    backend.availability = "unhealthy";
    ready.update([backend]);
    return ready.panics;
  });
  assert.deepEqual(panicsAfter, [false, false, true]);
});

test("with the threshold 0 there is panic only when all are unhealthy or ejected, and with 1 as soon as one is", () => {
  const [a, b, c] = backends("a", "b", "c") as [FakeBackend, FakeBackend, FakeBackend];
  const never = readyBackends(0);
  const always = readyBackends(1);
  b.availability = "unhealthy";
  c.availability = "ejected";
  never.update([a, b, c]);
  always.update([a, b, c]);
  assert.deepEqual(never.list, [a]);
  assert.deepEqual(always.list, [a, b, c]);
  a.availability = "unhealthy";
  never.update([a]);
  assert.deepEqual(never.list, [b, a, c]);
});

test("one can be spared while another one is usable, and the share of those that are is not below the threshold", () => {
  const list = backends("a", "b", "c", "d") as FakeBackend[];
  const [a, b, c] = list as [FakeBackend, FakeBackend, FakeBackend];
  const ready = readyBackends(0.5);
  ready.update([a]);
  assert.equal(ready.canSpare(a), false, "it is the only one");
  ready.update(list);
  assert.equal(ready.canSpare(a), true);
  b.availability = "ejected";
  ready.update([b]);
  assert.equal(ready.canSpare(a), true);
  assert.equal(ready.canSpare(b), true);
  c.availability = "suspect";
  ready.update([c]);
  assert.equal(ready.canSpare(a), false);
  assert.equal(ready.canSpare(c), true, "no usable one is lost with it");
});
