import { type Content, el, type Markup } from "./markup.ts";

/** A column of a table: `name` is its heading. */
export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => Content;
  /** Figures are set to the right, below each other. */
  readonly isFigure?: boolean;
  /** What the row is about: its heading. */
  readonly isHeading?: boolean;
}

export interface Table<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** The row's own name, by which a live page finds it again. */
  readonly key: (row: Row) => string;
  /** A word for its look. */
  readonly look?: (row: Row) => string | undefined;
}

/**
 * A table, or what stands in its place when it has no rows. Roles are said: narrow windows show rows as blocks, by which
 * browsers would forget that it is a table.
 */
export function table<Row>(given: Table<Row>): Markup {
  const { caption, columns, rows } = given;
  const heads = columns.map(({ name, isFigure }) =>
    el("th", { scope: "col", role: "columnheader", class: isFigure ? "figure" : undefined }, name),
  );
  return el(
    "table",
    { role: "table" },
    el("caption", {}, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads)),
    el(
      "tbody",
      { role: "rowgroup" },
      rows.map((row) => tableRow(given, row)),
    ),
  );
}

function tableRow<Row>({ columns, key, look }: Table<Row>, row: Row): Markup {
  const cells = columns.map(({ name, cell, isFigure, isHeading }) =>
    isHeading
      ? el("th", { scope: "row", role: "rowheader", "data-name": name }, cell(row))
      : el("td", { role: "cell", "data-name": name, class: isFigure ? "figure" : undefined }, cell(row)),
  );
  return el("tr", { role: "row", "data-key": key(row), class: look?.(row) }, cells);
}
