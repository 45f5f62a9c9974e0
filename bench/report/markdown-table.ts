/** The first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), `|${"---|".repeat(head.length)}`, ...body.map(line)].join("\n");
}

export const notMeasured = "Not measured in this run, which is shorter than `npm run bench -- --report`.";
