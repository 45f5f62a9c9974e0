import { createRequire } from "node:module";
import type typescript from "typescript";

/**
 * TypeScript's own module. `import` would have Node read its nine megabytes for the names that they export, which takes
 * longer than reading all sources with it.
 */
export const ts = createRequire(import.meta.url)("typescript") as typeof typescript;
