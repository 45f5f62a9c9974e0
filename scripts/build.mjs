// npm run build: dist/esm for `import` and dist/cjs for `require`, each with its own declarations, because TypeScript
// holds a CommonJS program to CommonJS types, and those of Connect differ. All of a build is one module: loading a hundred
// takes five times as long.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], { stdio: "inherit" });
// The same text means CommonJS there: a package.json beside it says so.
cpSync("dist/esm", "dist/cjs", { recursive: true });
writeFileSync("dist/cjs/package.json", `${JSON.stringify({ type: "commonjs" })}\n`);

for (const format of ["esm", "cjs"]) {
  await build({
    entryPoints: ["src/index.ts"],
    outdir: `dist/${format}`,
    bundle: true,
    packages: "external",
    platform: "node",
    format,
    target: "node20",
    sourcemap: true,
    logLevel: "warning",
  });
}
