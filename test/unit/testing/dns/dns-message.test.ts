import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "dns-packet";
import { type DnsRecord, isDnsName, readQuestion, writeResponse } from "../../../../src/testing/dns/dns-message.ts";

function ask(name: string, type: string) {
  const query = Buffer.from(encode({ id: 77, type: "query", questions: [{ name, type }] }));
  return readQuestion(query) ?? assert.fail("it is a question");
}

/** What another implementation reads of an answer with these records. */
function readBack(records: readonly DnsRecord[]) {
  const message = decode(writeResponse(ask("echo.test", "A"), { responseCode: 0, isCut: false, records }));
  assert.equal(message.id, 77);
  return message.answers?.map(({ name, type, ttl, data }) => ({ name, type, ttl, data }));
}

test("questions of another implementation are read", () => {
  for (const type of ["A", "AAAA", "SRV", "TXT"]) {
    const { id, name, type: read } = ask("_grpc._tcp.Echo.test", type);
    assert.deepEqual([id, name, read], [77, "_grpc._tcp.Echo.test", type]);
  }
  assert.equal(ask("echo.test", "MX").type, "TYPE15");
});

test("records are read by another implementation as they were meant", () => {
  const texts = ["short", "x".repeat(700), ""];
  const owner = { name: "echo.test", ttlSeconds: 30 };
  const ipv6 = ["::1", "fd00::1:0:0:2", "2001:db8:1:2:3:4:5:6", "::ffff:10.0.0.1", "1::"];
  const records: DnsRecord[] = [
    { ...owner, type: "CNAME", data: "alias.test." },
    { ...owner, type: "A", data: "10.200.0.1" },
    ...ipv6.map((data) => ({ ...owner, type: "AAAA" as const, data })),
    { ...owner, type: "SRV", priority: 1, weight: 2, port: 50_051, data: "pod-0.echo.test" },
    ...texts.map((data) => ({ ...owner, type: "TXT" as const, data })),
  ];
  const read = readBack(records) ?? [];
  const dataOf = (type: string) => read.filter((one) => one.type === type).map(({ data }) => data as unknown);
  assert.ok(read.every(({ name, ttl }) => name === "echo.test" && ttl === 30));
  assert.deepEqual(dataOf("CNAME"), ["alias.test"]);
  assert.deepEqual(dataOf("A"), ["10.200.0.1"]);
  assert.deepEqual(dataOf("AAAA"), ["::1", "fd00::1:0:0:2", "2001:db8:1:2:3:4:5:6", "::ffff:a00:1", "1::"]);
  assert.deepEqual(dataOf("SRV"), [{ priority: 1, weight: 2, port: 50_051, target: "pod-0.echo.test" }]);
  assert.deepEqual(
    dataOf("TXT").map((pieces) => Buffer.concat(pieces as Buffer[]).toString()),
    texts,
  );
});

test("an answer that is cut, or an error, says so", () => {
  const cut = decode(writeResponse(ask("echo.test", "A"), { responseCode: 0, isCut: true, records: [] }));
  assert.equal((cut.flags ?? 0) & (1 << 9), 1 << 9);
  const failed = decode(writeResponse(ask("echo.test", "A"), { responseCode: 3, isCut: false, records: [] }));
  assert.equal((failed.flags ?? 0) & 15, 3);
});

test("what is no question is none", () => {
  const query = Buffer.from(encode({ id: 1, type: "query", questions: [{ name: "echo.test", type: "A" }] }));
  for (let length = 0; length < query.length; length++)
    assert.equal(readQuestion(query.subarray(0, length)), undefined);
  const pointing = Buffer.from(query);
  pointing[12] = 0xc0;
  assert.equal(readQuestion(pointing), undefined);
  const response = Buffer.from(encode({ id: 1, type: "response", questions: [{ name: "echo.test", type: "A" }] }));
  assert.equal(readQuestion(response), undefined);
});

test("names that DNS cannot carry are known", () => {
  for (const name of ["echo.test", "echo.test.", "_grpc._tcp.echo", "a", "."]) assert.ok(isDnsName(name), name);
  for (const name of ["", "..", "a..b", "a b", `${"x".repeat(64)}.test`, "x.".repeat(128), "ä.test"])
    assert.ok(!isDnsName(name), name);
});
