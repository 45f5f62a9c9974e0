import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../source-tree.ts";

/** Every document that a user may copy from, by its path from the root. */
export const documents: readonly string[] = [
  ...["README.md", "CONTRIBUTING.md", "SECURITY.md", "bench/README.md"],
  ...["docs", "examples"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md") && !name.includes("node_modules"))
      .map((name) => join(folder, name).replaceAll("\\", "/")),
  ),
];
