import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Starts a service as a process of its own, whose first line of output is its URL, and which stops at SIGTERM. */
export async function startService(program, env = {}) {
  const child = spawn(process.execPath, program, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  // It does not outlive an example that failed.
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  const lines = createInterface({ input: child.stdout });
  const [url] = await Promise.race([
    once(lines, "line"),
    exited.then(([code]) => Promise.reject(new Error(`the service ended with ${code} before it was ready`))),
  ]);
  return {
    url,
    /** Sends SIGTERM, and resolves with the code that the process exits with. */
    async stop() {
      child.kill("SIGTERM");
      const [code] = await exited;
      return code;
    },
  };
}
