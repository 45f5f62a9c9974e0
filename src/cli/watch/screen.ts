import type { Output } from "../output.ts";

const csi = "\x1b[";

/** The other screen of the terminal (xterm's 1049), without a cursor and without wrapped lines. */
const enter = `${csi}?1049h${csi}?25l${csi}?7l`;
const leave = `${csi}?7h${csi}?25h${csi}?1049l`;

/** Draws on the terminal's second screen, so that the first one is as it was when it is left. */
export class Screen {
  readonly #output: Output;
  #isOpen = false;

  constructor(output: Output) {
    this.#output = output;
  }

  enter(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#output.data(enter);
  }

  /**
   * Over what was there: a screen that is cleared first flickers. Each line is cleared before it is written, because a line
   * as wide as the terminal leaves the cursor on its last character.
   */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    const drawn = lines.map((line) => `${csi}K${line}`).join("\r\n");
    this.#output.data(`${csi}H${drawn}\r\n${csi}J`);
  }

  leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#output.data(leave);
  }
}
