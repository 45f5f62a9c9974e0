import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadyBackends } from "../../../src/availability/ready-backends.ts";
import { backends, type FakeBackend } from "../../support/fake-backend.ts";

test("those that are connected and usable are the list, and all that are connected while none is usable", () => {
  const [a, b, c] = backends("a", "b", "c") as [FakeBackend, FakeBackend, FakeBackend];
  const ready = new ReadyBackends();
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
  const ready = new ReadyBackends();
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
  const ready = new ReadyBackends();
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
  const ready = new ReadyBackends();
  for (const backend of list) ready.update([backend]);
  assert.equal(ready.list.length, 10_000);
  const looks = list.reduce((sum, backend) => sum + backend.looks, 0);
  assert.ok(looks <= 30_000, `${looks} looks`);
  for (const backend of list) backend.state = "shutdown";
  ready.update(list);
  assert.deepEqual(ready.list, []);
  assert.equal(ready.anyRoom, false);
});
