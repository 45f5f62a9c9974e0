// The TypeScript of src, test, demo and bench as JavaScript, in a folder that git ignores: loading it takes half the CPU that
// loading it through tsx does, in each of the hundreds of processes that the tests are. Files stay files, so modules
// are what they are in the sources, and errors point at the lines of those.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const roots = ["src", "test", "demo", "bench", "proto/gen"];
const folder = ".cache/transpiled";
const root = join(import.meta.dirname, "..");

/** The transpiled form of a source file, both relative to the repository. */
export const transpiledPath = (path) => join(folder, path.replace(/\.ts$/, ".js"));

/** Transpiles what has changed. */
export async function transpile() {
  await build({
    absWorkingDir: root,
    entryPoints: roots.flatMap(sourcesBelow).filter(hasChanged),
    outdir: folder,
    outbase: ".",
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: true,
    sourcesContent: false,
    // Nothing is bundled, for every import is external. But only who bundles is asked about imports.
    bundle: true,
    plugins: [{ name: "one file each", setup: transpileEach }],
  });
}

function transpileEach({ onResolve, onLoad }) {
  onResolve({ filter: /./ }, ({ kind, path }) =>
    kind === "entry-point" ? undefined : { path: path.replace(/^(\..*)\.ts$/, "$1.js"), external: true },
  );
  onLoad({ filter: /\.ts$/ }, ({ path }) => ({ contents: withPlaces(readFileSync(path, "utf8"), path), loader: "ts" }));
}

/**
 * `import.meta.dirname` and `filename` name the source: what tests read is beside it. `new URL("x.ts", import.meta.url)`
 * names a program to start, which is the transpiled one.
 */
function withPlaces(text, path) {
  return text
    .replaceAll("import.meta.dirname", JSON.stringify(join(path, "..")))
    .replaceAll("import.meta.filename", JSON.stringify(path))
    .replaceAll(/(new URL\("[^"]+)\.ts", import\.meta\.url\)/g, '$1.js", import.meta.url)');
}

function sourcesBelow(path) {
  return readdirSync(join(root, path), { recursive: true })
    .filter((name) => /\.ts$|_pb\.js$/.test(name) && !name.endsWith(".d.ts"))
    .map((name) => join(path, name));
}

function hasChanged(path) {
  const transpiledMs = changedMs(transpiledPath(path));
  return transpiledMs <= changedMs(path) || transpiledMs <= statSync(import.meta.filename).mtimeMs;
}

function changedMs(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
