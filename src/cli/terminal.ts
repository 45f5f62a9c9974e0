/** Told of what happens to a terminal while something is drawn on it. */
export interface TerminalListener {
  onResized(): void;
  /** The process is about to stand still: Ctrl-Z. */
  onSuspended(): void;
  onResumed(): void;
  /** The process ends, whatever the reason. */
  onExit(): void;
}

/** The terminal that the process runs in, as far as it tells the process something. */
export interface Terminal {
  /** Resolves when whoever sits there has seen enough: Ctrl-C, or the window is closed. */
  readonly stopped: Promise<void>;
  /** Until the returned function is called. */
  follow(listener: TerminalListener): () => void;
}

const endings: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** That of this process. Its signals are heard from the first use of `stopped` on. */
export class ProcessTerminal implements Terminal {
  #stopped: Promise<void> | undefined;

  get stopped(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      for (const signal of endings) process.once(signal, () => resolve());
    });
    return this.#stopped;
  }

  follow({ onResized, onSuspended, onResumed, onExit }: TerminalListener): () => void {
    const suspend = () => {
      onSuspended();
      // SIGTSTP itself is ours now, so its effect is asked for by the signal that nobody can have.
      process.kill(process.pid, "SIGSTOP");
    };
    process.stdout.on("resize", onResized);
    process.on("SIGTSTP", suspend).on("SIGCONT", onResumed).on("exit", onExit);
    return () => {
      process.stdout.off("resize", onResized);
      process.off("SIGTSTP", suspend).off("SIGCONT", onResumed).off("exit", onExit);
    };
  }
}
