// npm run build: dist/esm for `import` and dist/cjs for `require`, each with its own declarations, because TypeScript
// holds a CommonJS program to CommonJS types, and those of Connect differ. The core is one module and not a file for each of
// src/, because loading a hundred takes five times as long. What it loads only when it is needed is a module beside it, and
// what both need is a third: `import()` in src says where. Extensions are built without the core, which they import.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
/** `glink/testing` is src/testing/index.ts. */
const extensions = Object.keys(exports)
  .filter((name) => name !== "." && name !== "./package.json")
  .map((name) => name.slice(2));

rmSync("dist", { recursive: true, force: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], { stdio: "inherit" });
// The same text means CommonJS there: a package.json beside it says so.
cpSync("dist/esm", "dist/cjs", { recursive: true });
writeFileSync("dist/cjs/package.json", `${JSON.stringify({ type: "commonjs" })}\n`);

const common = { platform: "node", target: "node20", sourcemap: true, logLevel: "warning" };
const esm = {
  ...common,
  format: "esm",
  bundle: true,
  packages: "external",
  splitting: true,
  chunkNames: "[name]-[hash]",
};

/** What an extension imports of src/index.ts is the core at `path`, and no copy of it. */
const coreAt = (path) => ({
  name: "core-outside",
  setup({ onResolve }) {
    onResolve({ filter: /\/index\.ts$/ }, ({ path: imported, resolveDir }) =>
      resolve(resolveDir, imported) === resolve("src/index.ts")
        ? { path, external: true, sideEffects: false }
        : undefined,
    );
  },
});

/**
 * What is loaded late also imports the core as a whole, which is there by then: so all that the core has is of one kind to
 * esbuild, and one module. By what it shares with each of them it would be a dozen, which all had to be opened.
 */
const coreBeneathLate = {
  name: "core-beneath-late",
  setup({ onResolve, onLoad }) {
    const late = new Set();
    onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
      if (kind === "dynamic-import") late.add(resolve(resolveDir, path));
    });
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (!late.has(path)) return;
      const core = JSON.stringify(resolve("src/index.ts"));
      return { contents: `${readFileSync(path, "utf8")}\nimport ${core};\n`, loader: "ts" };
    });
    onResolve({ filter: /src\/index\.ts$/ }, ({ path }) => ({ path: resolve(path), sideEffects: true }));
  },
};

await build({ ...esm, entryPoints: ["src/index.ts"], outdir: "dist/esm", plugins: [coreBeneathLate] });
for (const name of extensions) {
  await build({
    ...esm,
    entryPoints: [`src/${name}/index.ts`],
    outdir: `dist/esm/${name}`,
    plugins: [coreAt("../index.js")],
  });
}

// `npx glink` is a program and no module: one form is enough.
await build({
  ...esm,
  splitting: false,
  entryPoints: ["src/cli/main.ts"],
  outfile: "dist/cli.js",
  sourcemap: false,
  banner: { js: "#!/usr/bin/env node" },
  plugins: [coreAt("./esm/index.js")],
});
chmodSync("dist/cli.js", 0o755);

// The same modules for `require`, file by file: esbuild splits ES modules only. `import()` becomes a `require` there,
// because Jest runs CommonJS in a context in which `import()` does not work.
await build({
  ...common,
  format: "cjs",
  entryPoints: readdirSync("dist/esm", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => join("dist/esm", name)),
  outbase: "dist/esm",
  outdir: "dist/cjs",
  supported: { "dynamic-import": false },
});
