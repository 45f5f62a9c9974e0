// Names that every object has, as names in whatever is read of peers and registries: they are names like any other, or none,
// and what inherits from Object is what it was.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { readLoadReport } from "../../../src/balancing/load-report.ts";
import { parseServiceConfig } from "../../../src/calls/methods/service-config.ts";
import { readInstances } from "../../../src/consul/instances.ts";
import { SliceReader } from "../../../src/kubernetes/slice.ts";
import { readEndOfStream } from "../../../src/protocol/connect/end-of-stream.ts";
import { parseJson, readErrorJson } from "../../../src/protocol/connect/error-json.ts";
import { readEndpointFile } from "../../../src/resolver/endpoint-file.ts";
import { configOfRecords } from "../../../src/resolver/service-config-record.ts";
import { entry } from "../../support/load-reports.ts";

const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"] as const;
const bytes = (text: string) => new TextEncoder().encode(text);
const before = Reflect.ownKeys(Object.prototype);

/** JSON of an object that has each of these names, and what makes it one of its kind behind each. */
function disguised(inner: object): string {
  return `{${names.map((name) => `"${name}":${JSON.stringify(inner)}`).join()}}`;
}

afterEach(() => {
  assert.deepEqual(Reflect.ownKeys(Object.prototype), before);
  assert.deepEqual(Object.keys(Object.getPrototypeOf([])), []);
});

test("a service config takes nothing from a prototype, and methods may have such names", () => {
  const policy = { timeout: "1s", waitForReady: true };
  const config = JSON.parse(`{"methodConfig":[{"name":[{}],${disguised(policy).slice(1)}]}`);
  assert.deepEqual(parseServiceConfig(config).entries.get("")?.config, {});
  assert.deepEqual([...parseServiceConfig(disguised({ methodConfig: [{ name: [{}], ...policy }] })).entries], []);
  const named = { methodConfig: names.map((service) => ({ name: [{ service, method: service }], timeout: "2s" })) };
  const { entries } = parseServiceConfig(JSON.stringify(named));
  assert.deepEqual(
    [...entries].map(([name, { config }]) => [name, config.timeoutMs]),
    names.map((name) => [`${name}/${name}`, 2_000]),
  );
  assert.equal(entries.get("constructor"), undefined);
  for (const name of names) {
    const codes = {
      retryableStatusCodes: [name],
      maxAttempts: 2,
      initialBackoff: "1s",
      maxBackoff: "1s",
      backoffMultiplier: 1,
    };
    const wrong = { methodConfig: [{ name: [{}], retryPolicy: codes }] };
    assert.throws(() => parseServiceConfig(wrong), /must be a code like "UNAVAILABLE"/);
  }
});

test("a TXT record takes nothing from a prototype", () => {
  const client = { hostname: "here", percent: 0 };
  const record = `grpc_config=[${disguised({ serviceConfig: {} })}]`;
  assert.throws(() => configOfRecords([[record]], client), /serviceConfig of choice 0 must be an object/);
});

test("errors and ends of streams of the Connect protocol have such names as names", () => {
  for (const name of names) {
    assert.equal(readErrorJson({ code: name }, Code.Unknown)?.code, Code.Unknown);
    const end = readEndOfStream(bytes(`{"metadata":{"${name}":["a","b"]}}`), Code.Unknown);
    assert.deepEqual(end?.metadata, [name.toLowerCase(), "a", name.toLowerCase(), "b"]);
  }
  const inner = { code: "not_found", message: "m", error: { code: "not_found" }, metadata: { a: ["b"] } };
  const error = readErrorJson(parseJson(bytes(disguised(inner))), Code.Unknown);
  assert.deepEqual(error, { code: Code.Unknown, message: "", details: [] });
  const end = readEndOfStream(bytes(disguised(inner)), Code.Unknown);
  assert.deepEqual([end?.error, end?.metadata], [undefined, []]);
});

test("files, Consul and Kubernetes take nothing from a prototype", () => {
  const endpoint = { address: "10.0.0.1:1", zone: "z", weight: 2 };
  assert.throws(() => readEndpointFile(disguised({ endpoints: [endpoint] }), 1), /the file has no field "__proto__"/);
  assert.throws(
    () => readEndpointFile(`{"endpoints":[${disguised(endpoint)}]}`, 1),
    /an entry has no field "__proto__"/,
  );
  const service = { Address: "10.0.0.1", Port: 1, Meta: { zone: "z" } };
  assert.deepEqual(readInstances(`[${disguised({ Service: service })},{"Service":${disguised(service)}}]`), []);
  const reader = new SliceReader();
  const slice = { metadata: { name: "a" }, endpoints: [{ addresses: ["10.0.0.1"] }] };
  assert.throws(() => reader.read(JSON.parse(disguised(slice))), /an EndpointSlice without a name/);
  const endpoints = `"endpoints":[${disguised({ addresses: ["10.0.0.1"] })}]`;
  assert.deepEqual(reader.read(JSON.parse(`{"metadata":{"name":"a"},${endpoints}}`)).endpoints, []);
});

test("load reports have such names as names", () => {
  const report = readLoadReport(Uint8Array.from(names.flatMap((name, i) => entry(8, name, i + 1))));
  assert.deepEqual(
    [...(report ?? [])],
    names.map((name, i) => [`named_metrics.${name}`, i + 1]),
  );
});
