import type { TextStream } from "../../src/cli/output.ts";
import { Output } from "../../src/cli/output.ts";
import { run } from "../../src/cli/run.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/** What a command wrote, and how it ended. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A stream that keeps what is written. */
export class KeptText implements TextStream {
  text = "";
  readonly isTTY: boolean;
  columns = 80;
  rows = 24;

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }
}

/** Nobody sits at it. */
const nobody: Terminal = { stopped: new Promise(() => undefined), follow: () => () => undefined };

/** Runs the command `glink` in this process, as in a pipe. */
export async function glink(...args: string[]): Promise<CommandResult> {
  const [stdout, stderr] = [new KeptText(), new KeptText()];
  const exitCode = await run(args, new Output(stdout, stderr, {}), nobody);
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

/** What `glink check --json` says, as far as tests look at it. */
export interface CheckJson {
  readonly schema: number;
  readonly ok: boolean;
  readonly names: { readonly addresses: readonly string[] };
  readonly addresses: readonly {
    readonly address: string;
    readonly tcpMs: number | null;
    readonly tlsMs: number | null;
    readonly settingsMs: number | null;
    readonly pingMs: readonly number[];
    readonly tls: { readonly version: string; readonly alpn: string } | null;
    readonly certificate: { readonly names: readonly string[]; readonly daysLeft: number } | null;
    readonly settings: { readonly maxConcurrentStreams: number | null; readonly initialWindowBytes: number } | null;
    readonly health: { readonly state: string; readonly speaks: string | null } | null;
  }[];
  readonly problems: readonly { readonly id: string; readonly severity: string; readonly message: string }[];
}

/** `glink check … --json`: its exit code, and what it printed. */
export async function checkJson(...args: string[]): Promise<{ readonly exitCode: number; readonly said: CheckJson }> {
  const { exitCode, stdout } = await glink("check", ...args, "--json");
  return { exitCode, said: JSON.parse(stdout) as CheckJson };
}
