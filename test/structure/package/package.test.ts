import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join, posix } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { build, transformSync } from "esbuild";
import { type EchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { guideTests } from "../../support/guide-tests.ts";
import { npm, packPackage } from "../../support/packed-package.ts";
import { subpaths } from "../../support/subpaths.ts";
import { codeBlocks } from "../docs/code-blocks.ts";
import { documents } from "../docs/documents.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../../..");

let folder: string;
let packed: readonly string[];
let backend: EchoBackend;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "glink-package-"));
  const { tarball, files } = packPackage(folder);
  packed = files;
  // A user's project: the packed glink, and the peers the user chose.
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true }));
  npm(folder, "install", "--no-audit", "--no-fund", "--offline", "--legacy-peer-deps", "--no-package-lock", tarball);
  for (const scope of ["@connectrpc", "@bufbuild", "@opentelemetry"])
    symlinkSync(join(root, "node_modules", scope), join(folder, "node_modules", scope), "junction");
  mkdirSync(join(folder, "gen"));
  symlinkSync(join(root, "proto/gen/glink"), join(folder, "gen/glink"), "junction");
  backend = await startConnectEcho();
});

after(async () => {
  await backend.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program of the user's and returns what it printed. */
async function userProgram(name: string, text: string, output: "stdout" | "stderr" = "stdout"): Promise<string> {
  writeFileSync(join(folder, name), text);
  const outputs = await run(process.execPath, ["--preserve-symlinks", name, backend.address], {
    cwd: folder,
    // A program that has tests of its own tells them in text, and not in the way of a test runner's child.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  return outputs[output].trim();
}

test("the package holds both builds with their types, its documents and nothing else", () => {
  const unexpected = packed.filter(
    (path) =>
      !/^(dist\/cli\.js|dist\/(esm|cjs)\/.+\.(js|d\.ts|js\.map)|docs\/([a-z-]+\.md|grafana-dashboard\.json|images\/[a-z-]+\.(png|svg))|proto\/grpc\/channelz\/v1\/channelz\.proto|README\.md|LICENSE|(CHANGELOG|CONTRIBUTING|SECURITY)\.md|bench\/README\.md|examples\/.+)$/.test(
        path,
      ) && !/^(dist\/cjs\/)?package\.json$/.test(path),
  );
  assert.deepEqual(unexpected, []);
  const entries = subpaths.flatMap((name) => [`${name}/index.js`, `${name}/index.d.ts`]);
  const builds = ["esm", "cjs"].flatMap((build) =>
    ["index.js", "index.js.map", "index.d.ts", ...entries].map((name) => `dist/${build}/${name}`),
  );
  for (const path of [
    ...builds,
    "dist/cjs/package.json",
    "dist/cli.js",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "docs/errors.md",
  ]) {
    assert.ok(packed.includes(path), `${path} is missing`);
  }
});

test("links of the documents in the package lead to what is in the package", () => {
  const broken = packed
    // The list of examples is about a clone of the repository, and says so.
    .filter((path) => path.endsWith(".md") && path !== "examples/README.md")
    .flatMap((path) => {
      const links = readFileSync(join(root, path), "utf8").matchAll(/\]\((?![a-z]+:|#)([^)#]+)/g);
      return Array.from(links, ([, link = ""]) => ({ path, target: posix.join(posix.dirname(path), link) }));
    })
    .filter(({ target }) => !packed.some((one) => one === target || one.startsWith(`${target}/`)));
  assert.deepEqual(
    broken.map(({ path, target }) => `${path} links to ${target}`),
    [],
  );
});

/** Programs of users, that make a call; what `import` and `require` are made of is in `loads`. */
const callProgram = `
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver: staticResolver([process.argv[2]]) });
  createClient(EchoService, transport).unary({ text: "hello" }).then(({ text }) => console.log(text));`;

test("a program in ES modules makes a call with the installed package", async () => {
  const loads = `
    import { createClient } from "@connectrpc/connect";
    import { glinkTransport, staticResolver } from "glink";
    import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";`;
  assert.equal(await userProgram("call.mjs", loads + callProgram), "hello");
});

test("a CommonJS program makes a call with require", async () => {
  // A generated file is an ES module here, which not every Node can require: it is not what this is about.
  const loads = `
    const { createClient } = require("@connectrpc/connect");
    const { glinkTransport, staticResolver } = require("glink");
    import("./gen/glink/demo/v1/echo_pb.js").then(({ EchoService }) => {`;
  assert.equal(await userProgram("call.cjs", `${loads}${callProgram}});`), "hello");
});

test("a transport of the ES module takes call options, resolvers and policies of the CommonJS copy, whose errors it knows, and the other way round", async () => {
  const program = `
    import { createRequire } from "node:module";
    import * as imported from "glink";
    import { createClient, createContextValues } from "@connectrpc/connect";
    import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";
    const required = createRequire(import.meta.url)("glink");
    const copies = [[imported, required], [required, imported]];
    console.log(imported.glinkTransport !== required.glinkTransport ? "two copies" : "one copy");
    for (const [own, other] of copies) {
      const transport = own.glinkTransport({
        baseUrl: "http://echo.test",
        resolver: other.staticResolver([process.argv[2]]),
        loadBalancing: other.roundRobin(),
      });
      const onAttempt = ({ attempt, address }) => console.log("attempt", attempt, "at", address);
      const contextValues = createContextValues().set(other.glinkCall, { onAttempt });
      const client = createClient(EchoService, transport);
      await client.unary({}, { contextValues });
      await transport.close();
      await client.unary({}).catch((error) => console.log(other.glinkFailureOf(error).docs));
    }`;
  const reports = [`attempt 1 at ${backend.address}`, "docs/errors.md#closed"];
  assert.equal(await userProgram("copies.mjs", program), ["two copies", ...reports, ...reports].join("\n"));
});

/** Programs that print which of Node's modules glink loaded after Connect, and make a call. */
const loadedModules = `
  const newModules = (before) => process.moduleLoadList.filter((name) => !before.includes(name))
    .filter((name) => /^NativeModule (http2|tls|zlib|internal\\/dns\\/promises|internal\\/deps\\/undici\\/undici)$/.test(name))
    .map((name) => name.slice("NativeModule ".length)).sort().join(" ");
  const afterConnect = [...process.moduleLoadList];`;
const use = `
  const transport = glinkTransport({ baseUrl: "http://" + process.argv[2] });
  console.log("loaded by glink:", newModules(afterConnect) || "none of them");
  createClient(EchoService, transport).unary({ text: "hello" }).then(({ text }) => console.log(text));`;

for (const [name, program] of Object.entries({
  "lean.mjs": `
    const { createClient } = await import("@connectrpc/connect");
    const { EchoService } = await import("./gen/glink/demo/v1/echo_pb.js");
    ${loadedModules}
    const { glinkTransport } = await import("glink");
    ${use}`,
  "lean.cjs": `
    const { createClient } = require("@connectrpc/connect");
    import("./gen/glink/demo/v1/echo_pb.js").then(({ EchoService }) => {
      ${loadedModules}
      const { glinkTransport } = require("glink");
      ${use}
    });`,
})) {
  test(`glink loads neither connect-node nor modules of Node's before they are used: ${name}`, async () => {
    // connect-node is a peer for its types: a JavaScript program that has none proves that nothing else needs it.
    const peers = join(folder, "node_modules/@connectrpc");
    rmSync(peers);
    mkdirSync(peers);
    symlinkSync(join(root, "node_modules/@connectrpc/connect"), join(peers, "connect"), "junction");
    try {
      const printed = (await userProgram(name, program)).split("\n");
      assert.deepEqual(printed, ["loaded by glink: none of them", "hello"]);
    } finally {
      rmSync(peers, { recursive: true });
      symlinkSync(join(root, "node_modules/@connectrpc"), peers, "junction");
    }
  });
}

/** The modules of Node's and of others that a file of the build imports as it is loaded, and those of its own. */
function importsOf(path: string): { readonly others: readonly string[]; readonly own: readonly string[] } {
  const text = readFileSync(join(root, "dist", path), "utf8");
  const names = text.matchAll(/^import (?:[^;]*? from )?"([^"]+)";|^var \w+ = (?:__toESM\()?require\("([^"]+)"\)/gm);
  const all = [...new Set(Array.from(names, ([, imported, required = ""]) => imported ?? required))].sort();
  return { others: all.filter((name) => !name.startsWith(".")), own: all.filter((name) => name.startsWith(".")) };
}

/** The file of the build whose name begins so: those of modules that are loaded late, or shared, end with a hash. */
function fileOf(format: string, start: string): string {
  const names = readdirSync(join(root, "dist", format)).filter(
    (name) => name.startsWith(start) && name.endsWith(".js"),
  );
  assert.equal(names.length, 1, `${names.length} files of ${format} begin with ${start}`);
  return names[0] as string;
}

const bytesOf = (format: string, name: string) => statSync(join(root, "dist", format, name)).size;

/** Little above what they are: whoever adds a part that most programs do not need has to decide where it goes. */
const ceilings = {
  /** With the package. */
  atOnce: { esm: 454_000, cjs: 465_000 },
  /** Beside the first lookup: each with what it shares with others that are loaded late. */
  engine: { esm: 146_000, cjs: 151_000 },
  backends: { esm: 108_000, cjs: 112_000 },
};

for (const format of ["esm", "cjs"] as const) {
  test(`what a program loads with glink is no larger than it should be, and imports few modules: ${format}`, () => {
    const core = importsOf(`${format}/index.js`);
    assert.equal(core.own.length, 1, core.own.join());
    const sharedName = basename(core.own[0] as string);
    const shared = importsOf(`${format}/${sharedName}`);
    assert.deepEqual(shared.own, []);
    const atOnce = bytesOf(format, "index.js") + bytesOf(format, sharedName);
    assert.ok(atOnce <= ceilings.atOnce[format], `${atOnce} bytes`);
    const bytesWith = (start: string) => {
      const name = fileOf(format, start);
      const own = importsOf(`${format}/${name}`).own.map((path) => basename(path));
      return [name, ...own.filter((one) => one !== sharedName)].reduce((sum, one) => sum + bytesOf(format, one), 0);
    };
    const [engine, backends] = [bytesWith("wire-engine-"), bytesWith("pool-backends-")];
    assert.ok(engine <= ceilings.engine[format], `${engine} bytes`);
    assert.ok(backends <= ceilings.backends[format], `${backends} bytes`);
    assert.deepEqual([...new Set([...core.others, ...shared.others])].sort(), [
      "@bufbuild/protobuf",
      "@bufbuild/protobuf/wire",
      "@bufbuild/protobuf/wkt",
      "@connectrpc/connect",
      "node:async_hooks",
      "node:diagnostics_channel",
      "node:module",
      "node:os",
      "node:util",
    ]);
  });

  test(`glink/testing imports the core, and the peers that its servers are made of: ${format}`, () => {
    const { own, others } = importsOf(`${format}/testing/index.js`);
    assert.deepEqual(own, ["../index.js"]);
    assert.deepEqual(
      others.filter((name) => !name.startsWith("node:")),
      ["@connectrpc/connect", "@connectrpc/connect-node"],
    );
    assert.ok(statSync(join(root, "dist", format, "testing/index.js")).size < 50_000);
  });

  test(`glink/consul imports the core and holds no copy of it: ${format}`, () => {
    const { own, others } = importsOf(`${format}/consul/index.js`);
    assert.deepEqual(own, ["../index.js"]);
    assert.deepEqual(others, ["node:http", "node:https"]);
    assert.ok(statSync(join(root, "dist", format, "consul/index.js")).size < 20_000);
  });

  test(`glink/admin imports the core, and what its channelz needs of the peers: ${format}`, () => {
    const { own, others } = importsOf(`${format}/admin/index.js`);
    assert.deepEqual(own, ["../index.js"]);
    assert.deepEqual(others, [
      "@bufbuild/protobuf/codegenv2",
      "@bufbuild/protobuf/wkt",
      "@connectrpc/connect",
      "node:diagnostics_channel",
    ]);
    assert.ok(statSync(join(root, "dist", format, "admin/index.js")).size < 86_000);
  });

  test(`glink/kubernetes imports the core and Node's modules alone: ${format}`, () => {
    const { own, others } = importsOf(`${format}/kubernetes/index.js`);
    assert.deepEqual(own, ["../index.js"]);
    assert.deepEqual(others, ["node:fs", "node:fs/promises", "node:http", "node:https"]);
    assert.ok(statSync(join(root, "dist", format, "kubernetes/index.js")).size < 40_000);
  });
}

for (const format of ["esm", "cjs"]) {
  test(`glink/health needs nothing of the core: ${format}`, () => {
    const { own, others } = importsOf(`${format}/health/index.js`);
    assert.deepEqual(own, []);
    assert.deepEqual(others, ["@bufbuild/protobuf/codegenv2", "@connectrpc/connect"]);
    assert.ok(statSync(join(root, "dist", format, "health/index.js")).size < 10_000);
  });

  test(`glink/prometheus needs nothing of the core, and nobody else: ${format}`, () => {
    const { own, others } = importsOf(`${format}/prometheus/index.js`);
    assert.deepEqual(own, []);
    assert.deepEqual(others, ["@connectrpc/connect"]);
    assert.ok(statSync(join(root, "dist", format, "prometheus/index.js")).size < 24_000);
  });
}

for (const [name, importing] of Object.entries({
  "otel.mjs": `import { createClient } from "@connectrpc/connect"; import { glinkTransport } from "glink";
    import { openTelemetry } from "glink/otel"; import { EchoService } from "./gen/glink/demo/v1/echo_pb.js"; {`,
  "otel.cjs": `const { createClient } = require("@connectrpc/connect"); const { glinkTransport } = require("glink");
    const { openTelemetry } = require("glink/otel"); import("./gen/glink/demo/v1/echo_pb.js").then(({ EchoService }) => {`,
})) {
  test(`a program makes a call with glink/otel, which imports the core and OpenTelemetry's API alone: ${name}`, async () => {
    const format = name === "otel.mjs" ? "esm" : "cjs";
    const { own, others } = importsOf(`${format}/otel/index.js`);
    assert.deepEqual([own, others], [["../index.js"], ["@opentelemetry/api"]]);
    const program = `
      const transport = glinkTransport({ baseUrl: "http://" + process.argv[2], instrumentation: openTelemetry() });
      createClient(EchoService, transport).unary({ text: "hello" }).then(({ text }) => console.log(text));
      }${format === "cjs" ? ");" : ""}`;
    assert.equal(await userProgram(name, importing + program), "hello");
  });
}

/** A call on the other engine, and a transport that a test's answers lead and that leaves nothing behind. */
const testingProgram = `
  const resolver = manualResolver();
  expectQuiet(async () => {
    const transport = glinkTransport({ baseUrl: "http://echo.test", resolver, http2: "node" });
    const recording = recordEvents(transport);
    resolver.answer(process.argv[2]);
    const { text } = await createClient(EchoService, transport).unary({ text: "hello" });
    await transport.close();
    console.log(text, recording.ofType("pool-updated").length, recording.ofType("closed").length);
  }).then(() => expectQuiet(async () => {
    const transport = glinkTransport({ baseUrl: "http://" + process.argv[2] });
    await transport.ready();
    globalThis.kept = transport;
  })).catch(({ message }) => { console.log(message.replace(/ open: .*/, " open")); return globalThis.kept.close(); })`;

test("a bundle of a user's makes a call, and holds neither policies nor resolvers that it does not use", async () => {
  const contents = `
    import { createClient } from "@connectrpc/connect";
    import { glinkTransport, staticResolver } from "glink";
    import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";
    ${callProgram}`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    format: "esm",
    platform: "node",
    external: ["@connectrpc/*", "@bufbuild/*", "./gen/*"],
    write: false,
  });
  const [bundle] = outputFiles.map(({ text }) => text);
  assert.equal(outputFiles.length, 1);
  for (const name of [
    "leastRequest",
    "peakEwma",
    "ringHash",
    "weightedRoundRobin",
    "srvResolver",
    "fileResolver",
    "probe",
  ])
    assert.equal(bundle?.includes(`function ${name}(`), false, `it holds ${name}`);
  assert.ok(bundle?.includes("function roundRobin("));
  assert.ok((bundle?.length ?? 0) < 709_000, `${bundle?.length} bytes`);
  assert.equal(await userProgram("bundle.mjs", bundle ?? ""), "hello");
});

test("an ES module uses glink/testing and the engine on node:http2", async () => {
  const loads = `
    import { createClient } from "@connectrpc/connect";
    import { glinkTransport } from "glink";
    import { expectQuiet, manualResolver, recordEvents } from "glink/testing";
    import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";`;
  assert.match(await userProgram("testing.mjs", loads + testingProgram), /^hello 1 1\nglink left \d+ open$/);
});

test("a CommonJS program uses glink/testing and the engine on node:http2, which is loaded when it dials", async () => {
  const loads = `
    const { createClient } = require("@connectrpc/connect");
    const { glinkTransport } = require("glink");
    const { expectQuiet, manualResolver, recordEvents } = require("glink/testing");
    const loaded = () => console.log(Object.keys(require.cache).filter((path) => path.includes("glink/dist"))
      .map((path) => path.slice(path.indexOf("dist/cjs/") + 9).replace(/-[A-Z0-9]{8}(?=\\.js)/, "")).sort().join(" "));
    loaded();
    import("./gen/glink/demo/v1/echo_pb.js").then(({ EchoService }) => {`;
  const printed = await userProgram("testing.cjs", `${loads}${testingProgram}.then(loaded) });`);
  const [before, call, noise, afterwards] = printed.split("\n");
  assert.equal(before, "chunk.js index.js testing/index.js");
  assert.equal(call, "hello 1 1");
  assert.match(noise ?? "", /^glink left \d+ open$/);
  assert.equal(
    afterwards,
    "chunk.js chunk.js chunk.js index.js node-engine.js pool-backends.js testing/index.js wire-engine.js",
  );
});

test("programs in either kind of modules load glink/consul", async () => {
  const use = "console.log(consulResolver({ service: 'echo' }).name);";
  assert.equal(await userProgram("consul.mjs", `import { consulResolver } from "glink/consul"; ${use}`), "consul");
  assert.equal(await userProgram("consul.cjs", `const { consulResolver } = require("glink/consul"); ${use}`), "consul");
});

for (const kind of ["mjs", "mts"]) {
  test(`the README's quick start runs as it stands: ${kind}`, async () => {
    const [quickStart = ""] = codeBlocks(join(root, "README.md"), "ts");
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    const text = quickStart.replace("50051, 50052, 50053", ports.join());
    const program = kind === "mjs" ? text : transformSync(text, { loader: "ts" }).code;
    const lines = (await userProgram(`quick-start-${kind}.mjs`, program)).split("\n");
    const calls = lines
      .map((line) => /^127\.0\.0\.1:\d+ (\d+) calls$/.exec(line)?.[1] ?? assert.fail(line))
      .map(Number);
    assert.equal(
      calls.reduce((sum, one) => sum + one),
      300,
    );
    // Round robin, from when each of the three is connected.
    assert.ok(calls.length === 3 && calls.every((count) => count > 30), calls.join());
  });
}

test("the tests of docs/testing.md pass as they stand", async () => {
  const tests = guideTests("node:test", "esm");
  const program = tests.map((_, index) => `import "./guide-${index}.mjs";`).join("\n");
  for (const [index, text] of tests.entries()) writeFileSync(join(folder, `guide-${index}.mjs`), text);
  assert.match(await userProgram("guide.mjs", program), new RegExp(`^(#|ℹ) pass ${tests.length}$`, "mu"));
});

/** Blocks that lack something here, by document and number, and what comes of it: `waits` is for what does not answer. */
const lacking: Readonly<Record<string, RegExp>> = {
  // A machine of a cluster.
  "docs/cli.md 1": /^(ran|waits)$/,
  // Its own deadline may come before the answer of a slow DNS.
  "docs/coming-from-nice-grpc.md 1": /cannot resolve|^(ran|waits)$/,
  "docs/methods.md 3": /cannot resolve|^waits$/,
  "docs/options.md 2": /cannot resolve|^waits$/,
  "docs/options.md 3": /cannot resolve|^waits$/,
  "docs/kubernetes.md 2": /finds no cluster around this process/,
  "docs/kubernetes.md 3": /finds no cluster around this process/,
  // A file, and what the block declares as the reader's own.
  "docs/coming-from-grpc-js.md 1": /ENOENT.*ca\.crt/,
  "docs/options.md 1": /ENOENT.*ca\.crt/,
  "docs/kubernetes.md 6": /routes is not defined/,
  "docs/observability.md 2": /register is not defined/,
};

test("every other TypeScript block of the documents runs, as far as it can here", async () => {
  // These two have tests of their own: above.
  const others = documents.filter((document) => !["README.md", "docs/testing.md"].includes(document));
  const blocks = others.flatMap((document) =>
    codeBlocks(join(root, document), "ts").map((text, index) => ({ name: `${document} ${index + 1}`, text })),
  );
  assert.ok(blocks.length > 30);
  for (const { name, text } of blocks) {
    const { code } = transformSync(text.replace(/\.listen\(\d+/g, ".listen(0"), { loader: "ts" });
    writeFileSync(join(folder, moduleOf(name)), code);
  }
  const load = (names: string[]) =>
    names.map((name) => `["${name}", import("./${moduleOf(name)}").then(() => "ran", String)]`).join(",\n");
  const [whole, partial] = [false, true].map((isLacking) =>
    load(blocks.map(({ name }) => name).filter((name) => name in lacking === isLacking)),
  );
  const printed = await userProgram(
    "blocks.mjs",
    `const print = ([name, outcome]) => process.stderr.write(JSON.stringify([name, outcome]) + "\\n");
    const partial = [${partial}];
    for (const [name, running] of [${whole}]) print([name, await running]);
    const waits = new Promise((resolve) => setTimeout(resolve, 500, "waits"));
    for (const [name, running] of partial) print([name, await Promise.race([running, waits])]);
    process.exit();`,
    "stderr",
  );
  const outcomes = printed
    .split("\n")
    .filter((line) => line.startsWith('["'))
    .map((line) => JSON.parse(line) as [string, string]);
  assert.equal(outcomes.length, blocks.length, printed);
  const odd = outcomes.filter(([name, outcome]) => !(lacking[name] ?? /^ran$/).test(outcome));
  assert.deepEqual(odd, []);
});

function moduleOf(block: string): string {
  return `${block.replaceAll(/[^a-z0-9]+/g, "-")}.mjs`;
}

/** Blocks of docs/extending.md as JavaScript, by a word of theirs. */
function extendingExample(word: string): string {
  const block = codeBlocks(join(root, "docs/extending.md"), "ts").find((one) => one.includes(word));
  return transformSync(block ?? assert.fail(`no block has ${word}`), { loader: "ts" }).code;
}

/** Calls in turn through a policy; how many each backend got. */
const countingProgram = (options: string) => `
import { createClient } from "@connectrpc/connect";
import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";
const counted = glinkTransport({ baseUrl: "http://echo.test", ${options} });
await counted.ready();
while (counted.snapshot().subchannels.some(({ state }) => state !== "ready")) await new Promise((resolve) => setTimeout(resolve, 5));
const client = createClient(EchoService, counted);
for (let i = 0; i < 200; i++) await client.unary({});
console.log(JSON.stringify(counted.snapshot().subchannels.map(({ callsStarted }) => callsStarted)));
await counted.close();`;

test("the resolver with weights of docs/extending.md sends calls by them", async () => {
  const second = await startConnectEcho();
  try {
    const weights = JSON.stringify({ [backend.address]: 9, [second.address]: 1 });
    const options = `resolver: weightedResolver(${weights}), loadBalancing: byWeight()`;
    const program = extendingExample("weightedResolver") + countingProgram(options);
    const [heavy = 0, light = 0] = JSON.parse(await userProgram("weights.mjs", program)) as number[];
    assert.equal(heavy + light, 200);
    // One in ten: 20 of 200, and 60 would be nine standard deviations away.
    assert.ok(light > 0 && light < 60, `${light} of 200`);
  } finally {
    await second.close();
  }
});

test("the registry's resolver of docs/extending.md asks at once, and then waits for a change", async () => {
  const queries: string[] = [];
  const registry = createHttpServer((request, response) => {
    queries.push(request.url ?? "");
    response.setHeader("x-index", `${queries.length}`);
    // The second query waits, until the transport is closed.
    if (queries.length === 1) response.end(JSON.stringify(["127.0.0.1"]));
  });
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = registry.address() as AddressInfo;
    const program = extendingExample("registryResolver")
      .replace("http://echo:50051", `http://echo:${backend.address.split(":")[1]}`)
      .replace("http://registry.internal", `http://127.0.0.1:${port}`);
    const call = `
import { createClient } from "@connectrpc/connect";
import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";
await createClient(EchoService, transport).unary({});
console.log(transport.snapshot().subchannels.map(({ address }) => address).join());
await new Promise((resolve) => setTimeout(resolve, 1_500));
await transport.close();`;
    assert.equal(await userProgram("registry.mjs", program + call), backend.address);
    assert.deepEqual(queries, ["/services/echo?index=0&waitSeconds=5", "/services/echo?index=1&waitSeconds=5"]);
  } finally {
    registry.closeAllConnections();
    registry.close();
  }
});

test("the policy with a tracker of docs/extending.md learns of attempts that end", async () => {
  const second = await startConnectEcho();
  try {
    const addresses = JSON.stringify([backend.address, second.address]);
    const options = `resolver: staticResolver(${addresses}), loadBalancing: fasterOfTwo()`;
    const counting = `
const { ended } = Latency.prototype;
let attemptsEnded = 0;
Latency.prototype.ended = function (outcome) {
  attemptsEnded++;
  ended.call(this, outcome);
};`;
    const program = `import { staticResolver } from "glink";
${extendingExample("fasterOfTwo")}${counting}${countingProgram(options)}
console.log(attemptsEnded);`;
    const [counts = "", attemptsEnded] = (await userProgram("tracker.mjs", program)).split("\n");
    const served = JSON.parse(counts) as number[];
    assert.equal(
      served.reduce((sum, calls) => sum + calls),
      200,
    );
    assert.equal(Number(attemptsEnded), 200);
  } finally {
    await second.close();
  }
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
