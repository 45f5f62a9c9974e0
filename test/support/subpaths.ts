import { readFileSync } from "node:fs";
import { join } from "node:path";

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as {
  readonly exports: Readonly<Record<string, unknown>>;
};

/** The subpaths of the package: `testing` is `glink/testing`, and src/testing/index.ts. */
export const subpaths: readonly string[] = Object.keys(manifest.exports)
  .filter((name) => name !== "." && name !== "./package.json")
  .map((name) => name.slice(2));

/** The folders of src above the index: the subpaths, and the command `glink`. */
export const extensions: readonly string[] = [...subpaths, "cli"];
