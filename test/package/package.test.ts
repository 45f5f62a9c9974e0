import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { type EchoBackend, startConnectEcho } from "../support/echo-server.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const bin = (name: string) => join(root, "node_modules/.bin", name);

let folder: string;
let tarball: string;
let packed: string[];
let backend: EchoBackend;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "glink-package-"));
  await run("npm", ["run", "build"], { cwd: root });
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
    cwd: root,
  });
  const [result] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  tarball = join(folder, result.filename);
  packed = result.files.map(({ path }) => path);
  // A user's project: the packed glink, and the peers the user chose.
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true }));
  const quiet = ["--no-audit", "--no-fund", "--offline", "--legacy-peer-deps", "--no-package-lock"];
  await run("npm", ["install", ...quiet, tarball], { cwd: folder });
  for (const scope of ["@connectrpc", "@bufbuild"])
    symlinkSync(join(root, "node_modules", scope), join(folder, "node_modules", scope));
  mkdirSync(join(folder, "gen"));
  symlinkSync(join(root, "proto/gen/glink"), join(folder, "gen/glink"));
  backend = await startConnectEcho();
});

after(async () => {
  await backend.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program of the user's and returns what it printed. */
async function userProgram(name: string, text: string): Promise<string> {
  writeFileSync(join(folder, name), text);
  const { stdout } = await run(process.execPath, ["--preserve-symlinks", name, backend.address], { cwd: folder });
  return stdout.trim();
}

test("the package holds dist, its documents and nothing else", () => {
  const unexpected = packed.filter(
    (path) => !/^(dist\/.+\.(js|d\.ts|js\.map)|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/.test(path),
  );
  assert.deepEqual(unexpected, []);
  for (const path of [
    "dist/index.js",
    "dist/index.d.ts",
    "dist/index.js.map",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
  ]) {
    assert.ok(packed.includes(path), `${path} is missing`);
  }
});

test("a program in ES modules makes a call with the installed package", async () => {
  const printed = await userProgram(
    "call.mjs",
    `import { createClient } from "@connectrpc/connect";
     import { glinkTransport, staticResolver } from "glink";
     import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";
     const transport = glinkTransport({ baseUrl: "http://echo.test", resolver: staticResolver([process.argv[2]]) });
     console.log((await createClient(EchoService, transport).unary({ text: "from ESM" })).text);`,
  );
  assert.equal(printed, "from ESM");
});

test("a CommonJS program makes a call with require", async (t) => {
  const canRequireModules = (process.features as { require_module?: boolean }).require_module === true;
  if (!canRequireModules) {
    t.skip(`Node ${process.versions.node} cannot require an ES module`);
    return;
  }
  const printed = await userProgram(
    "call.cjs",
    `const { createClient } = require("@connectrpc/connect");
     const { glinkTransport, staticResolver } = require("glink");
     const { EchoService } = require("./gen/glink/demo/v1/echo_pb.js");
     const transport = glinkTransport({ baseUrl: "http://echo.test", resolver: staticResolver([process.argv[2]]) });
     createClient(EchoService, transport).unary({ text: "from CJS" }).then(({ text }) => console.log(text));`,
  );
  assert.equal(printed, "from CJS");
});

test("publint finds nothing to say", async () => {
  const { stdout } = await run(bin("publint"), ["--strict"], { cwd: root });
  assert.match(stdout, /All good!/);
});

test("are-the-types-wrong agrees with an ESM-only package", async () => {
  await run(bin("attw"), [tarball, "--profile", "esm-only"], { cwd: root });
});
