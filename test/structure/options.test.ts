import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { availabilityDefaults } from "../../src/availability/availability-options.ts";
import { callsDefaults } from "../../src/calls/calls-options.ts";
import { http2Defaults } from "../../src/http2/http2-options.ts";
import { keepaliveDefaults } from "../../src/http2/keepalive-options.ts";
import { type GlinkTransportOptions, glinkTransport } from "../../src/index.ts";
import { poolDefaults } from "../../src/pool/pool-options.ts";
import { protocolDefaults } from "../../src/protocol/protocol-options.ts";
import { subchannelDefaults } from "../../src/subchannel/subchannel-options.ts";
import { codecDefaults } from "../../src/transport/codec-options.ts";
import { documentedOptions, rangeOf } from "./documented-options.ts";
import { root } from "./source-tree.ts";

const options = documentedOptions().filter(({ isDeprecated }) => !isDeprecated);
const numbers = options.filter(({ isNumber }) => isNumber);

/** Defaults of the code: what is not here has none. */
const defaults: Record<string, unknown> = {
  ...poolDefaults,
  ...availabilityDefaults,
  ...subchannelDefaults,
  ...http2Defaults,
  ...keepaliveDefaults,
  ...callsDefaults,
  ...codecDefaults,
  ...protocolDefaults,
};

/** The words for a default of the code. */
function defaultText(name: string): string {
  const value = defaults[name];
  if (name in functionDefaults) return functionDefaults[name] as string;
  if (name === "reconnectBackoff") {
    const { initialBackoffMs, multiplier, jitter, maxBackoffMs } = subchannelDefaults.reconnectBackoff;
    return `${initialBackoffMs} ms × ${multiplier}, ± ${jitter * 100} %, at most ${maxBackoffMs / 1_000} s`;
  }
  if (name === "retry" && callsDefaults.retry !== false) {
    assert.deepEqual(callsDefaults.retry.codes, [14, 4]);
    return `${callsDefaults.retry.maxAttempts} attempts on Unavailable and DeadlineExceeded`;
  }
  if (Array.isArray(value)) return value.map((one: { name: string }) => one.name).join(", ");
  if (value === Number.POSITIVE_INFINITY) return "`Infinity`";
  if (typeof value === "number") return digits(value);
  if (typeof value === "string") return `\`"${value}"\``;
  return value === undefined ? "none" : `\`${String(value)}\``;
}

/** Defaults that are made for each transport: the snapshot names them. */
const functionDefaults: Record<string, string> = {
  resolver: "`dnsResolver()`",
  loadBalancing: "`roundRobin()`",
  outlierDetection: "on",
  connectionsPerBackend: "`{ min: 1, max: 1 }`",
};

function digits(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, " ");
}

function accepts(name: string, value: number): boolean {
  try {
    glinkTransport({ baseUrl: "http://127.0.0.1:1", [name]: value } as unknown as GlinkTransportOptions);
    return true;
  } catch (error) {
    assert.ok(error instanceof RangeError && error.message.includes(name), String(error));
    return false;
  }
}

test("every option has a docstring of ours, which says the default of the code", () => {
  const words = options.map(({ name, docstring }) => {
    const text = docstring.replaceAll(/\s+/g, " ");
    return {
      name,
      says: text.includes(`Default ${defaultText(name)}`) || text.includes(`Default: ${defaultText(name)}`),
      text,
    };
  });
  assert.ok(words.length >= 28);
  assert.deepEqual(
    words.filter(({ says }) => !says).map(({ name, text }) => `${name}: ${defaultText(name)} is not in: ${text}`),
    [],
  );
});

test("the defaults that are functions are what a transport has", () => {
  const { resolver, loadBalancing } = glinkTransport({ baseUrl: "http://echo.test" }).snapshot();
  assert.deepEqual([resolver, loadBalancing], ["dns", "round_robin"]);
});

for (const { name, docstring } of numbers) {
  test(`${name} is held to the range that its docstring says`, () => {
    const { min, max, infinity } = rangeOf(docstring.replaceAll(/\s+/g, " "));
    assert.equal(accepts(name, min), true, `${min}`);
    assert.equal(accepts(name, min - 1), false, `${min - 1}`);
    assert.equal(accepts(name, Number.POSITIVE_INFINITY), infinity, "Infinity");
    if (max === undefined) {
      assert.equal(accepts(name, 2 ** 32), true, "a time has no limit that matters");
    } else {
      assert.equal(accepts(name, max), true, `${max}`);
      assert.equal(accepts(name, max + 1), false, `${max + 1}`);
    }
  });
}

test("the table of docs/options.md has each option of glink's own with the default of the code, and nothing else", () => {
  const document = readFileSync(join(root, "docs/options.md"), "utf8");
  const table = /^\| option \| default \| meaning \|\n\|[-|]+\n((?:\|.*\n)+)/m.exec(document)?.[1] ?? "";
  const rows = Array.from(table.matchAll(/^\| `(\w+)` \| (.*?) \|/gm), ([, name = "", value = ""]) => ({
    name,
    value,
  }));
  const ofConnect = new Set([
    ...["baseUrl", "interceptors", "useBinaryFormat", "binaryOptions", "jsonOptions", "acceptCompression"],
    ...["sendCompression", "compressMinBytes", "readMaxBytes", "writeMaxBytes", "defaultTimeoutMs"],
    ...["useHttpGet", "httpVersion"],
  ]);
  const expected = options.filter(({ name }) => !ofConnect.has(name));
  assert.deepEqual(rows.map(({ name }) => name).sort(), expected.map(({ name }) => name).sort());
  assert.deepEqual(
    rows.filter(({ name, value }) => value !== defaultText(name)).map(({ name, value }) => `${name}: ${value}`),
    [],
  );
});
