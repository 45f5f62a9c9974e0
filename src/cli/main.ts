import { Output } from "./output.ts";
import { run } from "./run.ts";
import { ProcessTerminal } from "./terminal.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read it has seen enough: `glink check … | head -1`.
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
const output = new Output(process.stdout, process.stderr, process.env);
process.exitCode = await run(process.argv.slice(2), output, new ProcessTerminal());
