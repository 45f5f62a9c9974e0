import assert from "node:assert/strict";
import { test } from "node:test";
import { extensions } from "../support/subpaths.ts";
import { readSources, type SourceFile } from "./source-tree.ts";

/**
 * The house, from the ground up. A file may import from its own storey's folder and from any storey below; folders on
 * one storey do not know each other.
 */
const storeys: readonly (readonly string[])[] = [
  ["base", "runtime"],
  ["endpoint", "observe"],
  ["http2", "resolver"],
  ["subchannel", "protocol"],
  ["availability", "balancing"],
  ["pool"],
  ["calls"],
  ["channel"],
  ["transport"],
  ["index"],
  extensions,
];

const sources = readSources("src");

/** Whoever does without has to be able to load the rest. */
const optionalPeers: Readonly<Record<string, RegExp>> = { "@opentelemetry/api": /^src\/otel\// };

test("imports point down the storeys of the house", () => {
  const wrong = sources.flatMap((source) =>
    source.imports
      .filter(({ from }) => from.startsWith("src/") && !mayImport(source.path, from))
      .map(({ from }) => `${source.path} imports ${from}`),
  );
  assert.deepEqual(wrong, []);
});

test("every part of src has its storey", () => {
  const unknown = sources.map(({ path }) => partOf(path)).filter((part) => storeyOf(part) === -1);
  assert.deepEqual(unknown, []);
});

/** What is a module of its own in the built package, because it is loaded late: everything else is there when glink is. */
const loadedLate: Readonly<Record<string, readonly string[]>> = {
  // Backends and the HTTP/2 engine are compiled while the first lookup is on its way; few need the engine on node:http2.
  "src/channel/create-channel.ts": [
    "src/http2/wire/wire-engine.ts",
    "src/http2/node/node-engine.ts",
    "src/pool/pool-backends.ts",
  ],
  "src/http2/probe.ts": ["src/http2/wire/wire-engine.ts"],
  // Most resolve by the operating system's lookup.
  "src/resolver/dns.ts": ["src/resolver/server-lookup.ts"],
  "src/resolver/file.ts": ["src/resolver/watched-file.ts"],
  "src/resolver/service-config-watch.ts": ["src/resolver/service-config-query.ts"],
  "src/resolver/srv.ts": ["src/resolver/service-lookup.ts"],
};

test("what is loaded late is written here, and is reached by no other import of what is loaded with glink", () => {
  const modulesOf = (source: SourceFile, how: "value" | "late") =>
    source.imports.filter((one) => one.how === how && one.from.startsWith("src/")).map(({ from }) => from);
  const late = sources.map((source) => [source.path, modulesOf(source, "late")] as const);
  assert.deepEqual(Object.fromEntries(late.filter(([, modules]) => modules.length > 0)), loadedLate);
  const importsOf = new Map(sources.map((source) => [source.path, modulesOf(source, "value")]));
  for (const module of new Set(Object.values(loadedLate).flat())) {
    assert.equal(reaches("src/index.ts", module, importsOf), false, `${module} is loaded with glink`);
  }
});

test("no file imports itself through others", () => {
  const importsOf = new Map(sources.map(({ path, imports }) => [path, imports.map(({ from }) => from)]));
  const cycles = sources.filter(({ path }) => reaches(path, path, importsOf)).map(({ path }) => path);
  assert.deepEqual(cycles, []);
});

test("observers know events and nothing of what publishes them", () => {
  const allowed = /^src\/(observe\/|base\/|runtime\/)/;
  assert.deepEqual(importsBeyond("src/observe/", allowed), []);
});

test("node:http2 is imported by its engine alone, and for servers of tests", () => {
  const importers = importersOf("node:http2");
  assert.ok(importers.length > 0);
  assert.deepEqual(
    importers.filter((path) => !/^src\/(http2\/node|testing\/backends)\//.test(path)),
    [],
  );
});

/** Loaded late, with whatever an engine needs. */
const inEngines = /^src\/http2\/(dial\/open-socket\.ts$|wire\/|node\/)/;

test("what most processes never need is not loaded with the package: connect-node, and modules of Node's", () => {
  const early =
    /^import (?!type )[^;]* from "(@connectrpc\/connect-node|node:(dns\/promises|fs|http2|net|path|tls|zlib))";/m;
  // An extension is loaded by those alone who use it, and what it imports with it.
  const core = sources.filter(({ path }) => !extensions.includes(partOf(path)) && !inEngines.test(path));
  const loaders = core.filter(({ text }) => early.test(text));
  assert.deepEqual(
    loaders.map(({ path }) => path),
    [],
  );
});

test("sockets are opened in http2 alone, and for servers of tests", () => {
  const importers = [...importersOf("node:tls"), ...importersOf("node:net")];
  // base/ asks node:net what an IP address is, kubernetes/ names the type of its API server's.
  const allowed = /^src\/(http2\/|base\/ip-version|kubernetes\/api-server|testing\/(backends|dns)\/)/;
  assert.deepEqual(
    importers.filter((path) => !allowed.test(path)),
    [],
  );
});

test("time and chance are globals of runtime alone, and of tests' own waiting", () => {
  const globals = /\b(setTimeout|setInterval|setImmediate|Date\.now|performance\.now|Math\.random)\(|\bnew Date\(\)/;
  const users = sources.filter(
    ({ path, text }) => !/^src\/(runtime|testing)\//.test(path) && globals.test(withoutMethods(text)),
  );
  assert.deepEqual(
    users.map(({ path }) => path),
    [],
  );
});

test("the wall clock, which may jump, is asked for what is shown alone, and for deadlines that others give by it", () => {
  const readers = sources.filter(
    ({ text, imports }) =>
      /\bDate\.now\b/.test(text) || imports.some(({ from }) => from === "src/runtime/wall-clock.ts"),
  );
  assert.deepEqual(readers.map(({ path }) => path).sort(), [
    "src/channel/take-snapshot.ts",
    "src/channel/wall-time.ts",
    "src/http2/probe.ts",
    "src/observe/event-bus.ts",
    "src/otel/metric-producer.ts",
    "src/runtime/wall-clock.ts",
    "src/transport/call-options-from.ts",
  ]);
});

test("microtasks are queued by the function that fake timers do not replace", () => {
  const users = sources.filter(({ text }) => /\bqueueMicrotask\(/.test(text));
  assert.ok(users.length > 0);
  const late = users.filter(({ imports }) => !imports.some(({ from }) => from === "src/runtime/microtask.ts"));
  assert.deepEqual(
    late.map(({ path }) => path),
    [],
  );
});

test("what a protocol writes on the wire is behind the contract of protocols: one file chooses, and nobody else knows", () => {
  const folderOf = (path: string) => /^src\/protocol\/(grpc|grpc-web|connect)\//.exec(path)?.[1];
  const entering = sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ from }) => folderOf(from) !== undefined && folderOf(from) !== folderOf(path))
      .map(({ from }) => `${folderOf(path) ?? path} imports ${folderOf(from)}`),
  );
  assert.deepEqual([...new Set(entering)].sort(), [
    // gRPC-Web is gRPC with its trailers in the body.
    "grpc-web imports grpc",
    "src/protocol/protocols.ts imports connect",
    "src/protocol/protocols.ts imports grpc",
    "src/protocol/protocols.ts imports grpc-web",
  ]);
});

test("one file makes protocols, for the transport's root", () => {
  assert.deepEqual(importersOf("src/protocol/protocols.ts"), ["src/transport/transport.ts"]);
});

test("runtime dependencies are the peers and Node alone", () => {
  const allowed =
    /^(src\/|proto\/gen\/grpc\/|node:|@connectrpc\/(connect|connect-node)($|\/protocol$)|@bufbuild\/protobuf($|\/))/;
  const foreign = sources
    .flatMap(({ imports, path }) => imports.map(({ from }) => ({ from, path })))
    .filter(({ from, path }) => !allowed.test(from) && optionalPeers[from]?.test(path) !== true);
  assert.deepEqual(foreign, []);
});

test("every export is imported somewhere", () => {
  const used = new Set<string>();
  for (const { imports } of readSources("src", "test", "demo", "bench")) {
    for (const { from, names } of imports) for (const name of names) used.add(`${from} ${name}`);
  }
  const unused = readSources("src", "demo", "bench", "test/support").flatMap(({ path, text, exports }) =>
    exports
      .filter(
        ({ name, isType }) =>
          !used.has(`${path} ${name}`) && !used.has(`${path} *`) && !(isType && occurrences(text, name) > 1),
      )
      .map(({ name }) => `${path} ${name}`),
  );
  assert.deepEqual(unused, []);
});

function occurrences(text: string, name: string): number {
  return text.match(new RegExp(`\\b${name}\\b`, "g"))?.length ?? 0;
}

/** `clock.setTimeout(` is the injected one, a declaration of the name is the interface's. */
function withoutMethods(text: string): string {
  return text.replaceAll(/\.(setTimeout|now)\(/g, ".injected(");
}

/** `runtime` for src/runtime/clock.ts, `errors` for src/base/errors.ts. */
function partOf(path: string): string {
  return path.replace(/^src\//, "").replace(/\/.*$|\.ts$/, "");
}

function storeyOf(part: string): number {
  return storeys.findIndex((parts) => parts.includes(part));
}

function mayImport(importer: string, imported: string): boolean {
  const [from, to] = [partOf(importer), partOf(imported)];
  if (from === to) return true;
  const [fromStorey, toStorey] = [storeyOf(from), storeyOf(to)];
  return toStorey < fromStorey || (toStorey === 0 && fromStorey === 0);
}

function reaches(from: string, to: string, importsOf: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set<string>();
  const open = [...(importsOf.get(from) ?? [])];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (path === to) return true;
    if (seen.has(path)) continue;
    seen.add(path);
    open.push(...(importsOf.get(path) ?? []));
  }
  return false;
}

function importersOf(name: string): string[] {
  return sources.filter(({ imports }) => imports.some(({ from }) => from === name)).map(({ path }) => path);
}

function importsBeyond(folder: string, allowed: RegExp): string[] {
  const inFolder = (source: SourceFile) => source.path.startsWith(folder);
  return sources
    .filter(inFolder)
    .flatMap(({ path, imports }) => imports.map(({ from }) => `${path} imports ${from}`))
    .filter((line) => line.includes(" imports src/") && !allowed.test(line.split(" imports ")[1] as string));
}
