import { type ClientName, clientNames } from "./messages.ts";
import type { Paint, Style } from "./paint.ts";

const labelWidth = 20;
const gap = "  ";
/** Below it a cell could not hold its figure; above it bars only get longer. */
const cellWidths = { min: 8, max: 30 };

const clientStyles: Readonly<Record<ClientName, Style>> = {
  glink: "green",
  createGrpcTransport: "yellow",
  "grpc-js": "cyan",
};

export interface Cell {
  readonly text: string;
  /** Default: the client's own. */
  readonly style?: Style;
}

/** Lines of a table with a column for what they are about and one for each client. Fits into `width` from 59 on. */
export class ClientTable {
  /** What a cell of any client may hold. */
  readonly cellWidth: number;
  readonly #paint: Paint;
  readonly #widths: readonly number[];

  constructor(width: number, paint: Paint) {
    this.#paint = paint;
    this.cellWidth = widestCells(width);
    this.#widths = widthsOf(this.cellWidth);
  }

  /** `label` and the clients' names. */
  heading(label: string): string {
    const cells = clientNames.map((name, column) => this.#cell(column, { text: name, style: clientStyles[name] }));
    return `${this.label(label, "bold")}${cells.join(gap)}`.trimEnd();
  }

  row(label: string, cellOf: (client: ClientName) => Cell, labelStyle?: Style): string {
    const cells = clientNames.map((name, column) => this.#cell(column, { style: clientStyles[name], ...cellOf(name) }));
    return `${this.label(label, labelStyle)}${cells.join(gap)}`.trimEnd();
  }

  /** The first column of a line. */
  label(text: string, style?: Style): string {
    const padded = fit(text, labelWidth);
    return style === undefined ? padded : this.#paint(style, padded);
  }

  #cell(column: number, { text, style }: Cell): string {
    const padded = fit(text, this.#widths[column] ?? 0);
    return style === undefined ? padded : this.#paint(style, padded);
  }
}

/** A text of exactly this width. */
function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text.padEnd(width);
}

/** All cells are equally wide, so that bars can be compared, but a client's name must fit above its column. */
function widthsOf(cellWidth: number): number[] {
  return clientNames.map((name) => Math.max(cellWidth, name.length));
}

function widestCells(width: number): number {
  const wholeWidth = (cellWidth: number) =>
    widthsOf(cellWidth).reduce((sum, one) => sum + one, labelWidth + gap.length * (clientNames.length - 1));
  let cellWidth = cellWidths.min;
  while (cellWidth < cellWidths.max && wholeWidth(cellWidth + 1) <= width) cellWidth++;
  return cellWidth;
}
