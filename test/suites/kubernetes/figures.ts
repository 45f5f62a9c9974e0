/** What was measured, and what it may be at most. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly most: number;
  readonly unit: string;
}

const figures: Figure[] = [];

/** Notes a figure, and says it. */
export function note(what: string, value: number, most: number, unit: string): void {
  figures.push({ what, value, most, unit });
  console.log(`${value <= most ? "ok  " : "FAIL"} ${what}: ${shown(value)} ${unit} (at most ${most})`);
}

/** The table of all; true where none is above what it may be. */
export function report(): boolean {
  const width = Math.max(...figures.map(({ what }) => what.length));
  console.log(`\n${"".padEnd(width)}   measured    at most`);
  for (const { what, value, most, unit } of figures) {
    console.log(`${what.padEnd(width)} ${shown(value).padStart(10)} ${String(most).padStart(10)} ${unit}`);
  }
  return figures.every(({ value, most }) => value <= most);
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}
