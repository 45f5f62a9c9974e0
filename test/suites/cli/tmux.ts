import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A shell in a real terminal, by tmux: a server of its own, which nobody else's sessions meet. */
export class TmuxTerminal {
  readonly #folder = mkdtempSync(join(tmpdir(), "glink-tmux-"));

  constructor(columns: number, rows: number) {
    const size = ["-x", String(columns), "-y", String(rows)];
    this.#tmux("-f", "/dev/null", "new-session", "-d", ...size, "env PS1='$ ' NO_COLOR= sh");
    this.#tmux("set-option", "-g", "status", "off");
    this.resize(columns, rows);
  }

  /** Types a line. */
  type(line: string): void {
    this.#tmux("send-keys", "-l", line);
    this.#tmux("send-keys", "Enter");
  }

  /** Presses a key by tmux' name: `C-c`. */
  press(key: string): void {
    this.#tmux("send-keys", key);
  }

  resize(columns: number, rows: number): void {
    this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** What is shown, line by line; with `escapes`, colours too. */
  lines(escapes = false): string[] {
    return this.#tmux("capture-pane", "-p", ...(escapes ? ["-e"] : []))
      .trimEnd()
      .split("\n");
  }

  /** A variable of the pane's: `alternate_on`, `cursor_flag`, `wrap_flag`. */
  flag(name: string): string {
    return this.#tmux("display-message", "-p", `#{${name}}`).trim();
  }

  /** Waits until the terminal shows what `isIt` looks for, and returns it. */
  async shows(isIt: (lines: string[]) => boolean, escapes = false): Promise<string[]> {
    for (let i = 0; i < 200; i++) {
      const lines = this.lines(escapes);
      if (isIt(lines)) return lines;
      await sleep(100);
    }
    throw new Error(`the terminal does not show it:\n${this.lines(escapes).join("\n")}`);
  }

  close(): void {
    this.#tmux("kill-server");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #tmux(...args: string[]): string {
    return execFileSync("tmux", ["-S", join(this.#folder, "socket"), ...args], { encoding: "utf8" });
  }
}
