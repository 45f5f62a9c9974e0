import type { WriteStream } from "node:tty";

/** SGR parameters (ECMA-48 §8.3.117). */
const parameters = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 };

export type Style = keyof typeof parameters;

/** Gives a text a style. */
export type Paint = (style: Style, text: string) => string;

export const withoutColours: Paint = (_, text) => text;

const withColours: Paint = (style, text) => (text === "" ? "" : `\x1b[${parameters[style]}m${text}\x1b[0m`);

/** Colours where the stream is a terminal that has them. Node looks at NO_COLOR, FORCE_COLOR and TERM. */
export function paintFor(stream: WriteStream, env = process.env): Paint {
  // Only terminals have hasColors.
  return stream.isTTY && stream.hasColors(env) ? withColours : withoutColours;
}
