import type { ContenderName } from "../contender.ts";
import type { Figures, LoadResult } from "../rounds.ts";
import type { Machine } from "./machine.ts";

const colors: Readonly<Partial<Record<ContenderName, string>>> = {
  floor: "#9aa5b1",
  tcp: "#cbd2d9",
  createGrpcTransport: "#e07a5f",
  "grpc-js": "#f2b134",
  createGrpcWebTransport: "#e07a5f",
  createConnectTransport: "#e07a5f",
  "grpc-go": "#3d9dc4",
  "connect-go": "#3d9dc4",
  "glink-node": "#8fc9a8",
  glink: "#2f855a",
};

const title = "Client CPU per call, or per message of a stream: shorter is better";

const layout = { width: 860, left: 170, right: 130, bar: 14, gap: 3, group: 22, top: 74 } as const;

/** Bars of CPU per call or message, one group for each load; each group has a scale of its own. */
export function plot(machine: Machine, results: readonly LoadResult[]): string {
  const parts: string[] = [];
  let y: number = layout.top;
  for (const result of results) {
    const { svg, height } = group(result, y);
    parts.push(svg);
    y += height;
  }
  const { width } = layout;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const subtitle = `${machine.date.slice(0, 10)}, ${machine.processor}, ${machine.cores} cores; ${versions.join(", ")}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 10}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text(20, 28, title, 'font-size="16" font-weight="600"'),
    text(20, 48, subtitle, 'fill="#616e7c" font-size="10"'),
    ...parts,
    "</svg>",
  ].join("\n");
}

function group({ load, figures }: LoadResult, top: number): { svg: string; height: number } {
  const shown = [...figures].filter(([name]) => colors[name] !== undefined);
  const longest = Math.max(...shown.map(([, { cpuMicros }]) => cpuMicros.max));
  const parts = [text(20, top + 12, load.name, 'font-weight="600"')];
  shown.forEach(([name, figure], i) => {
    parts.push(bar(name, figure, top + layout.group + i * (layout.bar + layout.gap), longest));
  });
  return { svg: parts.join("\n"), height: layout.group + shown.length * (layout.bar + layout.gap) + 14 };
}

/** The median as a bar, the range of the rounds as a line through its end. */
function bar(name: ContenderName, { cpuMicros }: Figures, top: number, longest: number): string {
  const { left, right, width, bar: height } = layout;
  const x = (micros: number) => left + ((width - left - right) * micros) / longest;
  const middle = top + height / 2;
  const { median, min, max } = cpuMicros;
  return [
    text(left - 8, top + 11, name, 'text-anchor="end"'),
    `<rect x="${left}" y="${top}" width="${(x(median) - left).toFixed(1)}" height="${height}" fill="${colors[name]}"/>`,
    `<line x1="${x(min).toFixed(1)}" x2="${x(max).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#323f4b"/>`,
    text(x(max) + 8, top + 11, `${median.toFixed(median < 10 ? 2 : 1)} µs`, 'fill="#323f4b"'),
  ].join("\n");
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escaped}</text>`;
}
