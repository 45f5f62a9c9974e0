import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packPackage } from "../../support/packed-package.ts";

/*
 * npm run check:package
 * The packed package, read by publint, and by are-the-types-wrong as each kind of project resolves it.
 */

const root = join(import.meta.dirname, "../../..");
const folder = mkdtempSync(join(tmpdir(), "glink-check-package-"));
try {
  const { tarball } = packPackage(folder);
  check("publint/src/cli.js", "--strict", tarball);
  check("@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "strict");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function check(program: string, ...args: string[]): void {
  const path = join(root, "node_modules", program);
  const { status, signal } = spawnSync(process.execPath, [path, ...args], { cwd: root, stdio: "inherit" });
  if (status === 0) return;
  console.error(`${program} ended with ${signal ?? status}`);
  process.exitCode = 1;
}
