import type { WriteStream } from "node:tty";
import { liveLines, plainLine, type View } from "./live-view.ts";
import type { Paint } from "./paint.ts";
import type { Phase } from "./timeline.ts";

/** Shows the run while it goes on. */
export interface Display {
  /** How things stand; several times a second. */
  update(view: View): void;
  /** Takes what child processes print; undefined where they may print themselves. */
  readonly output: ((text: string) => void) | undefined;
  /** Gives the terminal back. Idempotent. */
  close(): void;
}

/** A screen that is drawn again in place where the stream can do that; elsewhere, and in CI's logs, a line a second. */
export function displayOn(stream: WriteStream, paint: Paint, env = process.env): Display {
  const canMove = stream.isTTY && stream.columns > 0 && env.TERM !== "dumb" && !env.CI;
  return canMove ? new LiveDisplay(stream, paint) : new PlainDisplay(stream);
}

// Control sequences of xterm, which terminals of today share. The alternate screen leaves what was printed before as it
// was, and terminals do not wrap its lines anew when their size changes.
const enter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const leave = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const home = "\x1b[H";
const clearLine = "\x1b[K";
const clearBelow = "\x1b[J";

class LiveDisplay implements Display {
  readonly #stream: WriteStream;
  readonly #paint: Paint;
  /** What children printed meanwhile. */
  #printed = "";
  #view: View | undefined;
  readonly #draw = () => this.#redraw();
  readonly #leave = () => this.close();

  constructor(stream: WriteStream, paint: Paint) {
    this.#stream = stream;
    this.#paint = paint;
  }

  readonly output = (text: string) => {
    this.#printed += text;
  };

  update(view: View): void {
    if (this.#view === undefined) {
      this.#stream.write(enter);
      this.#stream.on("resize", this.#draw);
      // Whatever ends the process, Ctrl-C and crashes included.
      process.on("exit", this.#leave);
    }
    this.#view = view;
    this.#redraw();
  }

  close(): void {
    if (this.#view !== undefined) {
      this.#view = undefined;
      this.#stream.off("resize", this.#draw);
      process.off("exit", this.#leave);
      this.#stream.write(leave);
    }
    process.stderr.write(this.#printed);
    this.#printed = "";
  }

  #redraw(): void {
    if (this.#view === undefined) return;
    const lines = liveLines(this.#view, this.#stream, this.#paint);
    this.#stream.write(`${home}${lines.map((line) => `${clearLine}${line}`).join("\r\n")}\r\n${clearBelow}`);
  }
}

const plainIntervalMs = 1_000;

class PlainDisplay implements Display {
  readonly output = undefined;
  readonly #stream: NodeJS.WritableStream;
  #phase: Phase | undefined;
  #dueMs = 0;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  update(view: View): void {
    const { elapsedMs, running } = view;
    if (running !== undefined && running.phase !== this.#phase) {
      this.#phase = running.phase;
      this.#stream.write(`── ${running.phase.title}: ${running.phase.story}\n`);
    }
    if (elapsedMs < this.#dueMs) return;
    this.#dueMs = elapsedMs + plainIntervalMs;
    this.#stream.write(`${plainLine(view)}\n`);
  }

  close(): void {
    // Nothing of the stream was changed.
  }
}
