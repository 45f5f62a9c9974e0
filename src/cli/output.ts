import util from "node:util";
import { peerText } from "../index.ts";

/** A stream that the process writes to, as far as it is looked at. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Looks of text: what is good, bad, doubtful, and of less weight. */
export type Look = "bold" | "dim" | "green" | "red" | "yellow";

/** Where a command writes: data to stdout, talk to stderr. */
export class Output {
  readonly #stdout: TextStream;
  readonly #stderr: TextStream;
  readonly #hasColors: boolean;

  constructor(stdout: TextStream, stderr: TextStream, env: Readonly<Record<string, string | undefined>>) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    // https://no-color.org: any value but the empty one.
    this.#hasColors = stdout.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  }

  /** Somebody looks at it. */
  get isTerminal(): boolean {
    return this.#stdout.isTTY === true;
  }

  /** Of the terminal; 80 where there is none that says. */
  get columns(): number {
    return this.#stdout.columns || 80;
  }

  get rows(): number {
    return this.#stdout.rows || 24;
  }

  data(text: string): void {
    this.#stdout.write(text);
  }

  line(text: string): void {
    this.data(`${text}\n`);
  }

  json(value: unknown): void {
    this.line(JSON.stringify(value));
  }

  talk(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** The text with a look, where the terminal shows any. */
  paint(look: Look, text: string): string {
    // Node 20 has had styleText since 20.12.
    return this.#hasColors && util.styleText !== undefined
      ? util.styleText(look, text, { validateStream: false })
      : text;
  }
}

/** Text of a peer, of a name server or of Node as it may stand on a terminal: on one line, with escapes visible. */
export function plain(text: string, maxChars = 400): string {
  return peerText(text.trim(), maxChars);
}
