import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { npm } from "../../support/packed-package.ts";

/*
 * node --import tsx test/suites/connect-versions/run.ts
 * Runs the tests of calls with the other versions of Connect that are promised: this repository's is the newest. What
 * compares glink with createGrpcTransport is of that version alone: older ones differ from it themselves.
 */

const versions = ["2.1.0", "2.2.0"];
const root = join(import.meta.dirname, "../../..");
const integration = "test/behaviour/integration";
const suites = [
  "test/unit/calls",
  ...readdirSync(join(root, integration))
    .filter((name) => /^calls-.*\.test\.ts$/.test(name))
    .map((name) => join(integration, name)),
];

/** A copy of the repository whose Connect is another, and whose other packages are the same. */
function createCopy(version: string): string {
  const copy = join(root, ".cache/connect-versions", version);
  const modules = join(copy, "node_modules");
  if (!existsSync(join(modules, "@connectrpc/connect-node"))) {
    mkdirSync(copy, { recursive: true });
    writeFileSync(join(copy, "package.json"), JSON.stringify({ private: true }));
    const packages = ["connect", "connect-node"].map((name) => `@connectrpc/${name}@${version}`);
    npm(
      copy,
      "install",
      "--no-save",
      "--no-audit",
      "--no-fund",
      "--no-package-lock",
      "--legacy-peer-deps",
      ...packages,
    );
  }
  for (const name of readdirSync(join(root, "node_modules"))) {
    const link = join(modules, name);
    if (name === "@connectrpc" || name.startsWith(".package-lock")) continue;
    rmSync(link, { recursive: true, force: true });
    symlinkSync(join(root, "node_modules", name), link);
  }
  for (const name of ["src", "test", "demo", "bench", "proto", "scripts", "package.json", "tsconfig.json"]) {
    rmSync(join(copy, name), { recursive: true, force: true });
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  return copy;
}

let failed = 0;
for (const version of versions) {
  const { status, stdout } = spawnSync(process.execPath, ["scripts/run-tests.mjs", "--test-reporter=tap", ...suites], {
    cwd: createCopy(version),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const passed = status === 0 && !/^# pass 0$/m.test(stdout);
  console.log(`Connect ${version}: ${passed ? "passes" : "FAILED"}, ${/^# pass (\d+)$/m.exec(stdout)?.[1] ?? 0} tests`);
  if (passed) continue;
  failed++;
  console.log(
    stdout
      .split("\n")
      .filter((line) => /^ *(not ok|error:|[+-] )/.test(line))
      .join("\n"),
  );
}
process.exitCode = failed === 0 ? 0 : 1;
