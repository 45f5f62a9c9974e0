import assert from "node:assert/strict";
import { test } from "node:test";
import { type AddressReport, renewalProblems } from "../../../../src/cli/check/address-check.ts";
import type { Names } from "../../../../src/cli/check/names.ts";
import { type ProblemId, problem } from "../../../../src/cli/check/problems.ts";
import { TextReport } from "../../../../src/cli/check/report.ts";
import { judgedProblems, verdictOf } from "../../../../src/cli/check/verdict.ts";
import { Output } from "../../../../src/cli/output.ts";
import { KeptText } from "../../../support/command-line.ts";
import { probed } from "./probes.ts";

const tcp = (host: string) => ({ host, port: 50051 });

function names(hosts: readonly string[], more: Partial<Names> = {}): Names {
  const found = { tookMs: 1, addresses: hosts.map(tcp), fallback: [], error: undefined };
  return { host: "echo.default.svc", isLiteral: false, ...found, servers: undefined, ...more };
}

function report(address: string, id?: ProblemId, isFallback = false): AddressReport {
  const problems = id === undefined ? [] : [problem(id, "because", address)];
  return { isFallback, probe: probed({ address }), certificate: undefined, health: undefined, problems };
}

function verdict(reports: readonly AddressReport[], found: Names = names(["10.0.0.1", "10.0.0.2"])) {
  const { exitCode, ok, problems } = verdictOf(found, reports);
  return { exitCode, ok, ids: problems.map(({ id }) => id) };
}

test("exit codes: all good, some bad, all bad, not SERVING", () => {
  const good = report("10.0.0.1:50051");
  const bad = report("10.0.0.2:50051", "http1-port");
  assert.deepEqual(verdict([good, good]), { exitCode: 0, ok: true, ids: [] });
  assert.deepEqual(verdict([good, bad]), { exitCode: 3, ok: false, ids: ["http1-port"] });
  assert.equal(verdict([bad, bad]).exitCode, 4);
  assert.equal(verdict([good, report("10.0.0.2:50051", "not-serving")]).exitCode, 5);
  assert.equal(verdict([bad, report("10.0.0.1:50051", "not-serving")]).exitCode, 3);
});

test("a warning leaves the verdict good", () => {
  assert.deepEqual(verdict([report("10.0.0.1:50051", "certificate-expires-soon")]), {
    exitCode: 0,
    ok: true,
    ids: ["certificate-expires-soon"],
  });
});

test("a fallback address may fail while another one works, and not where it is needed", () => {
  const fallback = report("[::1]:50051", "refused", true);
  const preferred = report("127.0.0.1:50051");
  assert.equal(verdict([preferred, fallback]).exitCode, 0);
  assert.deepEqual(
    judgedProblems(fallback, [preferred, fallback]).map(({ severity }) => severity),
    ["warning"],
  );
  assert.equal(verdict([report("127.0.0.1:50051", "refused"), fallback]).exitCode, 4);
});

test("refused by all: one more problem, which is about the port", () => {
  const refused = ["10.0.0.1:1", "10.0.0.2:1"].map((address) => report(address, "refused"));
  assert.deepEqual(verdict(refused).ids, ["refused", "refused", "refused-everywhere"]);
  assert.deepEqual(verdict(refused.slice(1)).ids, ["refused"]);
});

test("one address of a Service is a warning: it is not headless", () => {
  const one = [report("10.0.0.1:50051")];
  assert.deepEqual(verdict(one, names(["10.0.0.1"])), { exitCode: 0, ok: true, ids: ["single-address"] });
  assert.deepEqual(verdict(one, names(["10.0.0.1"], { host: "echo.example.com" })).ids, []);
});

test("other addresses by the DNS servers are a warning; that they know none is not", () => {
  const answer = { tookMs: 1, fallback: [], error: undefined };
  const two = names(["10.0.0.1", "10.0.0.2"]);
  const reports = [report("10.0.0.1:50051"), report("10.0.0.2:50051")];
  const byServers = (...hosts: string[]) => ({ ...two, servers: { ...answer, addresses: hosts.map(tcp) } });
  assert.deepEqual(verdict(reports, byServers("10.0.0.9")).ids, ["lookups-differ"]);
  assert.deepEqual(verdict(reports, byServers("10.0.0.2", "10.0.0.1")).ids, []);
  const unknown = { ...two, servers: { ...answer, addresses: [], error: new Error("ENOTFOUND") } };
  assert.deepEqual(verdict(reports, unknown).ids, []);
});

test("a name that is not known, one that nobody answers for, and any other failure", () => {
  const failure = (code: string) => names([], { error: Object.assign(new Error(`it failed: ${code}`), { code }) });
  assert.deepEqual(verdict([], failure("ENOTFOUND")), { exitCode: 2, ok: false, ids: ["name-not-found"] });
  assert.deepEqual(verdict([], failure("EAI_AGAIN")).ids, ["name-server-silent"]);
  assert.deepEqual(verdict([], failure("EAI_FAIL")).ids, ["name-failed"]);
});

test("a certificate is a warning in its last fourteen days", () => {
  const certificate = { names: ["echo.test"], issuer: "CA", validFromMs: 0, validToMs: Date.UTC(2026, 0, 15) };
  const ids = (nowMs: number) => renewalProblems("10.0.0.1:1", certificate, nowMs).map(({ message }) => message);
  assert.deepEqual(ids(Date.UTC(2026, 0, 1)), []);
  assert.deepEqual(ids(Date.UTC(2026, 0, 1) + 1), ["the certificate has 13 days left"]);
});

/** What is shown of two addresses with the same fault, of which the peer said something hostile. */
function shown(columns: number, isTTY: boolean, env = {}): string {
  const stdout = new KeptText(isTTY);
  stdout.columns = columns;
  const text = new TextReport(new Output(stdout, new KeptText(), env));
  const found = names(["10.0.0.1", "10.0.0.2"]);
  const reports = ["10.0.0.1:50051", "10.0.0.2:50051"].map((address) => ({
    ...report(address),
    problems: [problem("http1-port", 'it answered "\x1b[31mHTTP/1.1\x9b 400\u202e"', address)],
  }));
  text.names(found, []);
  for (const one of reports) text.address(one, one.problems);
  text.end(verdictOf(found, reports), reports);
  return stdout.text;
}

test("each address has its line, the same advice is given once, and the last line has the verdict", () => {
  assert.deepEqual(shown(100, false).split("\n"), [
    "ok     echo.default.svc  2 IPv4 in 1.0 ms",
    "bad    10.0.0.1:50051",
    '       http1-port: it answered "\\x1b[31mHTTP/1.1\\x9b 400\\u202e"',
    "       → the port speaks HTTP/1.1 without TLS, and no HTTP/2: use the gRPC port, or switch HTTP/2",
    "       (h2c) on there",
    "bad    10.0.0.2:50051",
    '       http1-port: it answered "\\x1b[31mHTTP/1.1\\x9b 400\\u202e"',
    "0 of 2 addresses good: no address can be used",
    "",
  ]);
});

test("lines are no wider than the terminal, and coloured there alone, unless NO_COLOR is set", () => {
  for (const columns of [60, 80, 132]) {
    assert.ok(
      shown(columns, false)
        .split("\n")
        .every((line) => line.length <= columns),
    );
  }
  const escapes = (text: string) => text.includes("\x1b[");
  assert.equal(escapes(shown(80, true)), true);
  assert.equal(escapes(shown(80, true, { NO_COLOR: "1" })), false);
  assert.equal(escapes(shown(80, true, { NO_COLOR: "" })), true);
  assert.equal(escapes(shown(80, true, { TERM: "dumb" })), false);
  assert.equal(escapes(shown(80, false)), false);
});
