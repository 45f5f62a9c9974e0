import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is gone when this process is, whatever ends it, Ctrl-C included. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "glink-demo-"));
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}
