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

const core = { ...esm, entryPoints: ["src/index.ts"], outdir: "dist/esm" };

/** What of the core is loaded late, and what that needs of what is there at once. */
async function partsOfCore() {
  const { metafile } = await build({ ...core, write: false, metafile: true });
  const importsOf = (path, kind) => metafile.inputs[path].imports.filter((one) => !one.external && one.kind === kind);
  const beneath = (path, found = new Set()) => {
    if (!found.has(path)) {
      found.add(path);
      for (const imported of importsOf(path, "import-statement")) beneath(imported.path, found);
    }
    return found;
  };
  const inputs = Object.keys(metafile.inputs);
  const late = new Set(inputs.flatMap((path) => importsOf(path, "dynamic-import").map((one) => one.path)));
  const atOnce = beneath("src/index.ts");
  const shared = [...late].flatMap((path) => [...beneath(path)]).filter((path) => atOnce.has(path));
  return { late: [...late].map((path) => resolve(path)), shared: [...new Set(shared)].map((path) => resolve(path)) };
}

/**
 * All that the core shares with any module that is loaded late becomes one module, because each of those imports all of it:
 * it is there by then. By who shares what with whom it would be a dozen, which all had to be opened when glink is loaded.
 */
const oneShared = ({ late, shared }) => ({
  name: "one-shared",
  setup({ onResolve, onLoad }) {
    const imports = shared.map((path) => `import ${JSON.stringify(path)};`).join("\n");
    onLoad({ filter: /\.ts$/ }, ({ path }) =>
      late.includes(path) ? { contents: `${readFileSync(path, "utf8")}\n${imports}\n`, loader: "ts" } : undefined,
    );
    // Without this, an import of no name is dropped.
    onResolve({ filter: /\.ts$/ }, ({ path: imported, resolveDir }) => {
      const path = resolve(resolveDir, imported);
      return shared.includes(path) ? { path, sideEffects: true } : undefined;
    });
  },
});

await build({ ...core, plugins: [oneShared(await partsOfCore())] });
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
