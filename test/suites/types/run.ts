import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { npm, packPackage, unpackPackage } from "../../support/packed-package.ts";

/*
 * node --import tsx test/suites/types/run.ts
 * Compiles usage.ts as a user would: in a project of its own, against the packed package, with each version of
 * TypeScript that is promised, in each kind of project that users have.
 */

const versions = ["5.7.3", "5.9.3", "6.0.3", "7.0.2"] as const;
type Version = (typeof versions)[number];

const root = join(import.meta.dirname, "../../..");
const cache = join(root, ".cache/types");

interface Project {
  readonly name: string;
  /** Whether a .ts file is an ES module: `"type"` of the project's package.json. */
  readonly type: "module" | "commonjs";
  readonly options: object;
  /** Options that one version asks for beside those. */
  readonly only?: Partial<Record<Version, object>>;
  /** Versions that know no such project, and the error by which they say so. */
  readonly refusedBy?: Partial<Record<Version, string>>;
}

/** Connect's own types need those of the DOM, so whoever does without has to skip the check of libraries. */
const nodeTypesOnly = { target: "es2022", lib: ["es2022"], skipLibCheck: true };

const strictest = {
  target: "es2023",
  lib: ["es2023", "esnext.disposable", "dom"],
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  isolatedModules: true,
  skipLibCheck: false,
};

const projects: readonly Project[] = [
  { name: "nodenext, ESM", type: "module", options: { module: "nodenext", ...nodeTypesOnly } },
  { name: "nodenext, CommonJS", type: "commonjs", options: { module: "nodenext", ...strictest } },
  { name: "node16, CommonJS", type: "commonjs", options: { module: "node16", ...nodeTypesOnly } },
  {
    name: "bundler",
    type: "module",
    options: { module: "esnext", moduleResolution: "bundler", verbatimModuleSyntax: true, ...strictest },
  },
  {
    name: "commonjs and node10",
    type: "commonjs",
    options: { module: "commonjs", moduleResolution: "node10", ...strictest },
    only: { "6.0.3": { ignoreDeprecations: "6.0" } },
    refusedBy: { "7.0.2": "error TS5108: Option 'moduleResolution=node10' has been removed." },
  },
  {
    name: "commonjs and bundler",
    type: "commonjs",
    options: { module: "commonjs", moduleResolution: "bundler", ...nodeTypesOnly },
    refusedBy: {
      "5.7.3": "error TS5095: Option 'bundler' can only be used when 'module' is set to 'preserve'",
      "5.9.3": "error TS5095: Option 'bundler' can only be used when 'module' is set to 'preserve'",
    },
  },
];

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

/** A user's folder with the packed package, the peers of this repository, and usage.ts. */
function createFolder(): string {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "user-"));
  const { tarball } = packPackage(folder);
  unpackPackage(tarball, join(folder, "node_modules/glink"));
  for (const name of ["@connectrpc", "@bufbuild", "@opentelemetry", "@types", "undici-types"]) {
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  symlinkSync(join(root, "proto/gen"), join(folder, "gen"));
  const usage = readFileSync(join(import.meta.dirname, "usage.ts"), "utf8")
    .replace('"../../../src/index.ts"', '"glink"')
    .replaceAll(/"\.\.\/\.\.\/\.\.\/src\/(\w+)\/index\.ts"/g, '"glink/$1"')
    .replace("../../../proto/gen/", "./gen/");
  writeFileSync(join(folder, "usage.ts"), usage);
  return folder;
}

/** Compiles a project with all versions at the same time. */
function compileWithEach(folder: string, project: Project): Promise<boolean[]> {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: project.type }));
  return Promise.all(versions.map((version) => compile(folder, version, project)));
}

async function compile(
  folder: string,
  version: Version,
  { name, options, only, refusedBy }: Project,
): Promise<boolean> {
  const compilerOptions = {
    ...options,
    ...only?.[version],
    strict: true,
    noEmit: true,
    types: ["node"],
    // Peers are links into this repository: from where they really are they would not find each other's twins.
    preserveSymlinks: true,
  };
  const configFile = join(folder, `tsconfig-${version}.json`);
  writeFileSync(configFile, JSON.stringify({ compilerOptions, files: ["usage.ts"] }));
  const begunMs = performance.now();
  const child = spawn(process.execPath, [compiler(version), "-p", configFile], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [stdout, [status]] = await Promise.all([text(child.stdout), once(child, "close")]);
  const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
  const refusal = refusedBy?.[version];
  const passed = refusal === undefined ? status === 0 : stdout.includes(refusal);
  const verdict = !passed
    ? "FAILED"
    : refusal === undefined
      ? "compiles"
      : `TypeScript has no such project: ${refusal}`;
  console.log(`types, TypeScript ${version}, ${name}: ${verdict}, ${seconds} s`);
  if (!passed) console.log(stdout.split("\n").slice(0, 20).join("\n"));
  return passed;
}

const folder = createFolder();
try {
  const results: boolean[] = [];
  for (const project of projects) results.push(...(await compileWithEach(folder, project)));
  const failed = results.filter((passed) => !passed).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
