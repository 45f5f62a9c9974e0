import { version } from "../index.ts";
import { type Command, readCommand, UsageError } from "./arguments.ts";
import { check } from "./check/check.ts";
import { type ExitCode, exitCode } from "./exit-codes.ts";
import { helpText } from "./help.ts";
import type { Output } from "./output.ts";
import type { Terminal } from "./terminal.ts";
import { watch } from "./watch/watch.ts";

/** Does what the command line says, and returns the exit code of the process. */
export async function run(args: readonly string[], output: Output, terminal: Terminal): Promise<ExitCode> {
  try {
    return await obey(readCommand(args), output, terminal);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    output.talk(`glink: ${error.message}`);
    output.talk("glink --help tells what there is.");
    return exitCode.usage;
  }
}

async function obey(command: Command, output: Output, terminal: Terminal): Promise<ExitCode> {
  switch (command.name) {
    case "help":
      output.data(helpText);
      return exitCode.good;
    case "version":
      output.line(version);
      return exitCode.good;
    case "check":
      return check(command, output);
    case "watch":
      return watch(command, output, terminal);
  }
}
