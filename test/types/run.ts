import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/*
 * node --import tsx test/types/run.ts
 * Compiles usage.ts as a user would: in a project of its own, against the packed package, with each version of
 * TypeScript that is promised, in two kinds of project.
 */

const versions = ["5.7.3", "5.9.3", "6.0.3", "7.0.2"];
const root = join(import.meta.dirname, "../..");
const cache = join(root, ".cache/types");

/** Compiler options of projects that users have. */
const projects: Record<string, object> = {
  // Connect's own types need those of the DOM, so whoever does without has to skip the check of libraries.
  "nodenext, Node's types only": { module: "nodenext", target: "es2022", lib: ["es2022"], skipLibCheck: true },
  "bundler, DOM, the strictest checks": {
    module: "esnext",
    moduleResolution: "bundler",
    target: "es2023",
    lib: ["es2023", "esnext.disposable", "dom"],
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    skipLibCheck: false,
  },
};

/** Installs one version of TypeScript, once, into a folder that git ignores, and returns its compiler. */
function compiler(version: string): string {
  const folder = join(cache, `typescript-${version}`);
  const path = join(folder, "node_modules/typescript/bin/tsc");
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
    npm(folder, "install", "--no-save", "--no-audit", "--no-fund", "--no-package-lock", `typescript@${version}`);
  }
  return path;
}

function npm(folder: string, ...args: string[]): string {
  return execFileSync("npm", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** A user's project with the packed package, the peers of this repository, and usage.ts. */
function createProject(): string {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "user-"));
  npm(root, "run", "build");
  const [packed] = JSON.parse(npm(root, "pack", "--json", "--ignore-scripts", "--pack-destination", folder)) as [
    { filename: string },
  ];
  mkdirSync(join(folder, "node_modules/glink"), { recursive: true });
  const target = join(folder, "node_modules/glink");
  execFileSync("tar", ["-xzf", join(folder, packed.filename), "--strip-components=1", "-C", target]);
  for (const name of ["@connectrpc", "@bufbuild", "@types", "undici-types"]) {
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  symlinkSync(join(root, "proto/gen"), join(folder, "gen"));
  const usage = readFileSync(join(import.meta.dirname, "usage.ts"), "utf8")
    .replace('"../../src/index.ts"', '"glink"')
    .replace("../../proto/gen/", "./gen/");
  writeFileSync(join(folder, "usage.ts"), usage);
  return folder;
}

const folder = createProject();
let passed = 0;
let failed = 0;
try {
  for (const version of versions) {
    const tsc = compiler(version);
    for (const [name, options] of Object.entries(projects)) {
      const compilerOptions = {
        ...options,
        strict: true,
        noEmit: true,
        types: ["node"],
        // Peers are links into this repository: from where they really are they would not find each other's twins.
        preserveSymlinks: true,
      };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["usage.ts"] }));
      const begunMs = performance.now();
      const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
      const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
      console.log(`types, TypeScript ${version}, ${name}: ${status === 0 ? "compiles" : "FAILED"}, ${seconds} s`);
      if (status === 0) passed++;
      else {
        failed++;
        console.log(stdout.split("\n").slice(0, 20).join("\n"));
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
