import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { cache, root } from "./build.ts";

const sources = `${root}bench/go`;
const folder = `${cache}/go`;

/**
 * Builds the Go client in .cache, the messages generated from the same proto, and returns its path. Where there is no
 * Go, or its modules cannot be had, it says so in one line and returns nothing.
 */
export function buildGoClient(note: (line: string) => void): string | undefined {
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
  } catch {
    // Go is optional: everything else is measured without it.
    note("grpc-go and connect-go: skipped, there is no `go` on PATH");
    return undefined;
  }
  try {
    mkdirSync(folder, { recursive: true });
    cpSync(sources, folder, { recursive: true });
    go("build", "-o", "protoc-gen-go", "google.golang.org/protobuf/cmd/protoc-gen-go");
    generate();
    go("build", "-o", "client", ".");
    return `${folder}/client`;
  } catch (error) {
    const output = (error as { stderr?: Buffer }).stderr?.toString().trim().split("\n").at(-1);
    note(`grpc-go and connect-go: skipped, their client cannot be built: ${output || error}`);
    return undefined;
  }
}

function go(...args: string[]): void {
  execFileSync("go", args, { cwd: folder, stdio: "pipe" });
}

function generate(): void {
  const plugin = {
    local: `${folder}/protoc-gen-go`,
    out: folder,
    opt: ["module=glink/bench", "Mglink/demo/v1/echo.proto=glink/bench/echopb"],
  };
  const template = JSON.stringify({ version: "v2", plugins: [plugin], inputs: [{ directory: `${root}proto` }] });
  const args = ["generate", "--template", template, "--path", `${root}proto/glink`];
  execFileSync(`${root}node_modules/.bin/buf`, args, { cwd: root, stdio: "pipe" });
}
