import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type ConnectRouter, createClient } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransport, glinkTransport } from "../../../src/index.ts";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { root } from "../source-tree.ts";
import { ts } from "../typescript.ts";
import { codeBlocks } from "./code-blocks.ts";

// The TypeScript of docs/methods.md and docs/retries.md is run, with an echo server in the place of every service.

const folder = join(root, ".cache/run-blocks");
let backend: ConnectEchoBackend;

before(async () => {
  backend = await startConnectEcho();
  mkdirSync(folder, { recursive: true });
});

after(async () => {
  await backend.close();
  rmSync(folder, { recursive: true });
});

/** Runs a block as a module of its own, and returns what it exports and what it printed. */
async function run(document: string, index: number) {
  const block = codeBlocks(join(root, "docs", document), "ts")[index];
  assert.ok(block, `docs/${document} has a block ${index + 1}`);
  const text = block
    .replaceAll('"glink"', JSON.stringify(new URL("../../../src/index.ts", import.meta.url)))
    .replaceAll(
      '"./gen/glink/demo/v1/echo_pb.js"',
      JSON.stringify(new URL("../../../proto/gen/glink/demo/v1/echo_pb.js", import.meta.url)),
    )
    .replaceAll(/"http:\/\/[a-z]+\.default\.svc:50051"/g, JSON.stringify(`http://${backend.address}`));
  assert.ok(text.includes(backend.address), "it has a target, which the echo server takes the place of");
  const path = join(folder, `${document}-${index + 1}.mjs`);
  const module = text.includes("const transport") ? `${text}\nexport { transport };` : text;
  const { outputText } = ts.transpileModule(module, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  writeFileSync(path, outputText);
  const printed: string[] = [];
  const { log } = console;
  console.log = (line: string) => printed.push(line);
  try {
    const exports: Record<string, unknown> = await import(pathToFileURL(path).href);
    return { exports, printed };
  } finally {
    console.log = log;
  }
}

test("the first block of docs/methods.md prints what holds for a method and what set it", async () => {
  const { printed } = await run("methods.md", 0);
  assert.match(printed.join("\n"), /^shop\.v1\.Orders\/Place\n/);
  assert.match(printed.join("\n"), /timeoutMs +2000 +methods\["shop\.v1\.Orders"\]/);
  assert.match(printed.join("\n"), /retry +false +methods\["shop\.v1\.Orders\/Place"\]/);
});

test("the service config of docs/methods.md holds for the service that it names, and the others have one attempt", async () => {
  const { exports } = await run("methods.md", 1);
  const attempts = (method: string) =>
    valuesOf(exports.transport as GlinkTransport, method).find(([name]) => name === "retry.maxAttempts");
  assert.deepEqual(attempts("shop.v1.Orders/Place"), ["retry.maxAttempts", 4, "serviceConfig.methodConfig[0]"]);
  assert.deepEqual(attempts("shop.v1.Carts/Place"), ["retry.maxAttempts", 1, "transport"]);
});

function valuesOf(transport: GlinkTransport, method: string) {
  return transport.explain(method).values.map(({ name, value, origin }) => [name, value, origin] as const);
}

test("the hedging of docs/methods.md sends one request where a call says so", async () => {
  const executions = backend.counters.executions;
  await run("methods.md", 2);
  assert.equal(backend.counters.executions, executions + 1);
});

test("the admission of docs/methods.md is taken", async () => {
  const { exports } = await run("methods.md", 3);
  assert.equal((exports.transport as GlinkTransport).snapshot().calls.dropped.admission, 0);
});

test("the handler of docs/methods.md passes its call's deadline on", async () => {
  const { exports } = await run("methods.md", 4);
  const hop = createServer(connectNodeAdapter({ routes: exports.routes as (router: ConnectRouter) => void }));
  await new Promise<void>((resolve) => hop.listen(0, "127.0.0.1", resolve));
  const { port } = hop.address() as AddressInfo;
  const transport = glinkTransport({ baseUrl: `http://127.0.0.1:${port}` });
  try {
    const { served } = await createClient(EchoService, transport).unary({ text: "x" }, { timeoutMs: 60_000 });
    assert.equal(served?.backend, backend.address);
    assert.match(served?.timeout ?? "", /^(60000|59\d{3})m$/);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await new Promise((resolve) => hop.close(resolve));
  }
});

test("the options of docs/retries.md are the defaults, but for the one that it names", async () => {
  const { exports } = await run("retries.md", 0);
  const plain = glinkTransport({ baseUrl: "http://127.0.0.1:1" });
  const named = (transport: GlinkTransport) =>
    valuesOf(transport, "pkg.Service/Method").map(([name, value]) => [name, value]);
  const expected = named(plain).map(([name, value]) => [name, name === "retry.perAttemptTimeoutMs" ? 500 : value]);
  const transport = exports.transport as GlinkTransport;
  assert.deepEqual(named(transport), expected);
  assert.deepEqual(transport.snapshot().retryBudget, plain.snapshot().retryBudget);
  await plain.close();
});
