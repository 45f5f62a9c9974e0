import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { callHeaders, fieldsIn, receiveLater } from "../../../src/transport/call-headers.ts";
import { seededRandom } from "../../support/random.ts";

const fields = [":status", "200", "x-one", "1", "x-two", "a", "x-two", "b", "set-cookie", "c=1", "set-cookie", "d=2"];
const entries = [
  ["set-cookie", "c=1"],
  ["set-cookie", "d=2"],
  ["x-one", "1"],
  ["x-two", "a, b"],
];

test("every way to look at headers shows what was received", () => {
  const fresh = () => callHeaders(fields);
  assert.equal(fresh().get("X-Two"), "a, b");
  assert.ok(fresh().has("x-one"));
  assert.deepEqual([...fresh()], entries);
  assert.deepEqual([...fresh().entries()], entries);
  assert.deepEqual(
    [...fresh().keys()],
    entries.map(([name]) => name),
  );
  assert.deepEqual(
    [...fresh().values()],
    entries.map(([, value]) => value),
  );
  assert.deepEqual(fresh().getSetCookie(), ["c=1", "d=2"]);
  const seen: string[][] = [];
  const headers = fresh();
  headers.forEach((value, name, parent) => {
    assert.equal(parent, headers);
    seen.push([name, value]);
  });
  assert.deepEqual(seen, entries);
  assert.deepEqual([...new Headers(fresh())], entries);
  assert.deepEqual([...new Response(null, { headers: fresh() }).headers], entries);
  assert.match(inspect(fresh()), /x-one.*1/s);
  assert.ok(fresh() instanceof Headers);
  assert.equal(String(fresh()), "[object Headers]");
});

test("every way to change headers keeps what was received", () => {
  const headers = callHeaders(["x", "1", "y", "2"]);
  headers.append("x", "3");
  assert.equal(headers.get("x"), "1, 3");
  const replaced = callHeaders(["x", "1", "y", "2"]);
  replaced.set("x", "9");
  assert.deepEqual([...replaced], [["x", "9"], ["y", "2"]]); // biome-ignore format: pairs
  const shorter = callHeaders(["x", "1", "y", "2"]);
  shorter.delete("x");
  assert.deepEqual([...shorter], [["y", "2"]]);
});

test("a list that headers were made of is not changed by them", () => {
  const list = Object.freeze(["x", "1", "y", "2"]);
  const headers = callHeaders(list);
  headers.set("x", "3");
  headers.delete("y");
  headers.append("z", "4");
  assert.deepEqual([...callHeaders(list).keys()], ["x", "y"]);
  assert.deepEqual(fieldsIn(headers), ["x", "3", "z", "4"]);
});

test("what came later is added, to headers that were looked at too", () => {
  const headers = callHeaders([]);
  receiveLater(headers, ["x", "1"]);
  assert.equal(headers.get("x"), "1");
  assert.deepEqual([...headers], [["x", "1"]]);
  receiveLater(headers, ["x", "2", "y", "3"]);
  assert.deepEqual([...headers], [["x", "1, 2"], ["y", "3"]]); // biome-ignore format: pairs
  assert.equal(fieldsIn(headers), undefined);
  receiveLater(new Headers(), ["x", "1"]);
});

test("every member of Headers has one of its own: the others know only objects that Node made", () => {
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(callHeaders([])));
  const missing = Object.getOwnPropertyNames(Headers.prototype).filter((name) => !own.includes(name));
  assert.deepEqual(missing, []);
});

test("whatever is asked of them in whatever order, they answer as Headers do", () => {
  const names = [
    "x-one",
    "X-Two",
    "x-two",
    "cookie",
    "set-cookie",
    "Set-Cookie",
    "x_y",
    "é",
    "",
    "a b",
    ":path",
    7,
    null,
  ];
  const values = ["1", " 2 ", "a,b", "", "\t", "a\tb", "a\nb", "a\0", "é", "☃", "x y", 7, undefined];
  const random = seededRandom(20_261_128);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
  const outcome = (work: () => unknown) => {
    try {
      return work();
    } catch (error) {
      return String(error);
    }
  };
  const start = ["x-one", "1", "x-two", "a", "set-cookie", "c=1", "x-three", "b"];
  for (let run = 0; run < 2_000; run++) {
    const pairs: [Headers, Headers] = [callHeaders(start), new Headers()];
    for (let i = 0; i < start.length; i += 2) pairs[1].append(start[i] as string, start[i + 1] as string);
    for (let step = 0; step < 8; step++) {
      const name = pick(names) as string;
      const value = pick(values) as string;
      const ask = pick<(headers: Headers) => unknown>([
        (headers) => headers.get(name),
        (headers) => headers.has(name),
        (headers) => headers.set(name, value),
        (headers) => headers.append(name, value),
        (headers) => headers.delete(name),
        (headers) => (name === null ? [...headers] : headers.getSetCookie().length),
      ]);
      const [ours, theirs] = pairs.map((headers) => outcome(() => ask(headers)));
      assert.deepEqual(ours, theirs, `${ask} ${JSON.stringify(name)} ${JSON.stringify(value)}`);
    }
    assert.deepEqual([...pairs[0]], [...pairs[1]]);
  }
});
