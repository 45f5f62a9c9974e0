import { element, picture, text } from "../report/svg.ts";
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
      text(left - 10, y + 24, name, { "text-anchor": "end" }),
      bar(y, room * share * 2, "#4878a8", `slow one's share ${(share * 100).toFixed(1)} %`),
      bar(y + barHeight + 3, room * (p99Ms / worst), "#c9804a", `p99 ${p99Ms.toFixed(0)} ms`),
    ].join("\n");
  });
  const height = 60 + rows.length * rowHeight;
  const heading = `Three backends, one ten times slower: simulated, 400 calls/s, seed ${seed}`;
  return picture({ width, height, "font-family": "system-ui, sans-serif", "font-size": "13" }, [
    element("title", {}, "Share and latency of a slow backend, by policy"),
    element("rect", { width, height, fill: "#ffffff" }),
    text(10, 26, heading, { "font-weight": "bold" }),
    ...parts,
  ]);
}

function bar(y: number, length: number, fill: string, label: string): string {
  const end = left + Math.max(1, length);
  return [
    element("rect", { x: left, y, width: end - left, height: barHeight, fill }),
    text(end + 6, y + 13, label),
  ].join("\n");
}
