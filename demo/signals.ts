import type { ChildProcess } from "node:child_process";

/** Windows knows no SIGSTOP, and ends a process at once where others send it SIGTERM. */
export const hasSignals = process.platform !== "win32";

/** Ends a backend as Kubernetes does: with SIGTERM or, where there are no signals, with a message that means the same. */
export function endGracefully(child: ChildProcess): void {
  if (hasSignals) child.kill("SIGTERM");
  else child.send({ type: "end" });
}
