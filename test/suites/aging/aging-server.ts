import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** The release of grpc-go in server/go.mod. */
export const agingServerVersion = "v1.83.1";

/** Builds the server that ends its connections, into a folder that git ignores, and returns its path. */
export function buildAgingServer(): string {
  const path = join(import.meta.dirname, "../../../.cache/go/aging-server");
  mkdirSync(join(path, ".."), { recursive: true });
  execFileSync("go", ["build", "-o", path, "."], { cwd: join(import.meta.dirname, "server"), stdio: "inherit" });
  return path;
}
