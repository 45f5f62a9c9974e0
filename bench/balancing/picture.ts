import type { Outcome } from "./simulation.ts";

const left = 130;
const barHeight = 18;
const rowHeight = 52;
const width = 720;

/** Bars of the slow backend's share and of the 99th percentile, for each policy. */
export function drawLatencies(outcomes: Readonly<Record<string, Outcome>>, seed: number): string {
  const rows = Object.entries(outcomes);
  const worst = Math.max(...rows.map(([, { p99Ms }]) => p99Ms));
  const room = width - left - 150;
  const parts = rows.map(([name, { shares, p99Ms }], i) => {
    const y = 50 + i * rowHeight;
    const share = shares[2] ?? 0;
    return [
      `<text x="${left - 10}" y="${y + 24}" text-anchor="end">${name}</text>`,
      bar(y, room * share * 2, "#4878a8", `slow one's share ${(share * 100).toFixed(1)} %`),
      bar(y + barHeight + 3, room * (p99Ms / worst), "#c9804a", `p99 ${p99Ms.toFixed(0)} ms`),
    ].join("\n");
  });
  const height = 60 + rows.length * rowHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
    "<title>Share and latency of a slow backend, by policy</title>",
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="10" y="26" font-weight="bold">Three backends, one ten times slower: simulated, 400 calls/s, seed ${seed}</text>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function bar(y: number, length: number, fill: string, label: string): string {
  const end = left + Math.max(1, length);
  return [
    `<rect x="${left}" y="${y}" width="${(end - left).toFixed(1)}" height="${barHeight}" fill="${fill}"/>`,
    `<text x="${(end + 6).toFixed(1)}" y="${y + 13}">${label}</text>`,
  ].join("\n");
}
