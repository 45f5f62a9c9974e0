import type { LoadResult } from "../figures.ts";
import type { PeerName } from "../loads.ts";
import type { Spread } from "../statistics.ts";
import { pictured, titleOf } from "../titles.ts";
import { day } from "./numbers.ts";
import type { Result } from "./result.ts";
import { connectNode, inGoCpu } from "./rows.ts";
import { element, picture, text } from "./svg.ts";

/** Who is drawn, from above; each name is a class of the style too. */
const clients = [
  { name: "glink", peers: ["glink"] },
  { name: "grpc-js", peers: ["grpc-js"] },
  { name: "createGrpcTransport", peers: connectNode },
] as const satisfies readonly { name: string; peers: readonly PeerName[] }[];

const title = "Client CPU of a call, in multiples of grpc-go's: less is better";
const layout = { width: 860, left: 212, right: 60, bar: 12, gap: 2, between: 12, head: 132, top: 142 } as const;
/** So that a bar is seen where nothing is left of it. */
const leastWidth = 4;
/** As far below the least ratio as its label needs. */
const roomForLabel = 0.7;
const groupHeight = clients.length * (layout.bar + layout.gap) + layout.between;

/** The colours of whoever looks at it: each has a background of its own, so that it is right whatever is around it. */
const style = `
  text { fill: #1f2933; font: 12px system-ui, sans-serif }
  .back { fill: #ffffff } .title { font-size: 17px; font-weight: 600 } .small, .tick { fill: #52606d; font-size: 11px }
  .go { font-weight: 600 } .grid { stroke: #e4e7eb } .one { stroke: #1f2933; stroke-width: 1.5 } .whisker { stroke: #1f2933 }
  .glink { fill: #2f855a } .grpc-js { fill: #e0a526 } .createGrpcTransport { fill: #d9694c }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .back { fill: #0d1117 } .small, .tick { fill: #9da7b3 }
    .grid { stroke: #2b323b } .one, .whisker { stroke: #e6edf3 }
    .glink { fill: #3fa372 } .grpc-js { fill: #b98a24 } .createGrpcTransport { fill: #c25b41 }
  }`;

/** Bars from grpc-go's cost: to the left whoever takes less, to the right whoever takes more, on a scale of doublings. */
export function costPicture(result: Result): string {
  const groups = pictured.flatMap((name) => {
    const load = result.loads.find((one) => one.load.name === name);
    const bars = load === undefined ? [] : barsOf(load);
    return bars.length === 0 ? [] : [{ words: titleOf(name), bars }];
  });
  const ratios = groups.flatMap(({ bars }) => bars.flatMap(({ ratio }) => [ratio.min, ratio.max]));
  const low = Math.floor(Math.log2(Math.min(0.5, ...ratios.map((ratio) => roomForLabel * ratio))));
  const high = Math.ceil(Math.log2(Math.max(2, ...ratios)));
  const { width, left, right, head, top } = layout;
  const x = (ratio: number) => left + ((width - left - right) * (Math.log2(ratio) - low)) / (high - low);
  const bottom = top + groups.length * groupHeight;
  const height = bottom + 34;
  const doublings = Array.from({ length: high - low + 1 }, (_, i) => 2 ** (low + i));
  const { machine } = result;
  const where = `${day(machine.date)}, Node ${machine.versions.node}, ${machine.processor}, ${machine.cores} cores`;
  const parts = [
    element("title", {}, title),
    element("style", {}, style),
    element("rect", { class: "back", width, height }),
    text(20, 30, title, { class: "title" }),
    text(20, 52, `Each line doubles. Streams: of a message. Whiskers: the least to the most of its processes.`, {
      class: "small",
    }),
    ...clients.map(({ name }, i) => legend(20 + i * 110, name)),
    text(x(1) - 8, head - 24, "← less than grpc-go", { class: "small", "text-anchor": "end" }),
    text(x(1) + 8, head - 24, "more than grpc-go →", { class: "small" }),
    ...doublings.map((ratio) => gridLine(x(ratio), bottom, ratio)),
    ...groups.map(({ words, bars }, i) => group(words, bars, top + i * groupHeight, x)),
    text(20, bottom + 22, where, { class: "small" }),
  ];
  return picture({ width, height }, parts);
}

interface Bar {
  readonly name: string;
  readonly ratio: Spread;
}

function barsOf(load: LoadResult): Bar[] {
  return clients.flatMap(({ name, peers }) => {
    const ratio = inGoCpu(load, peers);
    return ratio === undefined ? [] : [{ name, ratio }];
  });
}

function legend(left: number, name: string): string {
  const { top } = layout;
  return (
    element("rect", { class: name, x: left, y: top - 76, width: 12, height: 12 }) + text(left + 17, top - 66, name)
  );
}

function gridLine(x: number, bottom: number, ratio: number): string {
  const { head } = layout;
  const isGo = ratio === 1;
  const tick = { class: isGo ? "go" : "tick", "text-anchor": "middle" };
  return (
    text(x, head - 6, isGo ? "grpc-go = 1" : `${ratio}`, tick) +
    element("line", { class: isGo ? "one" : "grid", x1: x, x2: x, y1: head, y2: bottom })
  );
}

function group(words: string, bars: readonly Bar[], top: number, x: (ratio: number) => number): string {
  const middle = top + (groupHeight - layout.between) / 2 + 4;
  const drawn = bars.map((bar, i) => drawBar(bar, top + i * (layout.bar + layout.gap), x));
  return [text(layout.left - 16, middle, words, { "text-anchor": "end" }), ...drawn].join("\n");
}

/** The median as a bar from 1, the range as a line through its end, and the median in figures beyond both. */
function drawBar({ name, ratio: { median, min, max } }: Bar, y: number, x: (ratio: number) => number): string {
  const { bar: height } = layout;
  const [from, to] = median < 1 ? [x(median), x(1)] : [x(1), x(median)];
  const middle = y + height / 2;
  const label = median < 1 ? { x: x(min) - 5, anchor: "end" } : { x: x(max) + 5, anchor: "start" };
  return [
    element("rect", { class: name, x: from, y, width: Math.max(leastWidth, to - from), height }),
    element("line", { class: "whisker", x1: x(min), x2: x(max), y1: middle, y2: middle }),
    text(label.x, y + 10, median.toFixed(median < 9.95 ? 2 : 0), { "text-anchor": label.anchor, class: "small" }),
  ].join("");
}
