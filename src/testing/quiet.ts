import diagnosticsChannel from "node:diagnostics_channel";
import type { GlinkEvent } from "../index.ts";
import { type OpenResource, OpenResources } from "./open-resources.ts";
import { packageLines } from "./package-lines.ts";

const isLineOfGlink = packageLines(new Error().stack ?? "");

/** As deep as the way from glink's own code to what Node makes for it. */
const stackFrames = 30;

/**
 * Runs `work`, and then checks that glink left nothing open which it opened meanwhile: no socket, no timer, no lookup. That
 * is so when each transport was closed. What tests and other libraries open is their own affair. Sockets have a second to
 * close. Returns what `work` returns; rejects with its error, or with one that lists what is left and where it was made.
 */
export async function expectQuiet<T>(work: () => T | Promise<T>): Promise<T> {
  const resources = new OpenResources(stackFrames);
  // A transport that nobody holds closes by itself when it is collected, which looking for what is open may bring about.
  const closedLate: string[] = [];
  const noteClosed = (event: unknown) => closedLate.push((event as GlinkEvent).target);
  resources.start();
  try {
    const result = await work();
    diagnosticsChannel.subscribe("glink:closed", noteClosed);
    const left = await resources.left(isOfGlink);
    if (left.length > 0)
      throw new Error(`glink left ${left.length} open: ${textOf(left)} (was a transport not closed?)`);
    if (closedLate.length > 0) {
      throw new Error(
        `the transport to ${closedLate.join(", ")} was not closed when the work had ended: await its close()`,
      );
    }
    return result;
  } finally {
    resources.stop();
    diagnosticsChannel.unsubscribe("glink:closed", noteClosed);
  }
}

/** Many timers are made in one place: each kind once, with its number. */
function textOf(left: readonly OpenResource[]): string {
  const counts = new Map<string, number>();
  for (const one of left) counts.set(describe(one), (counts.get(describe(one)) ?? 0) + 1);
  return [...counts].map(([text, count]) => (count === 1 ? text : `${count} × ${text}`)).join("; ");
}

function isOfGlink({ madeAt }: OpenResource): boolean {
  return madeAt.some(isLineOfGlink);
}

/** With the line outside of glink that led to it, if the stack goes so far. */
function describe({ type, madeAt }: OpenResource): string {
  const inside = madeAt.findIndex(isLineOfGlink);
  const outside = madeAt.slice(inside + 1).find(isLineOfCaller);
  return `${type} made ${madeAt[inside]}${outside === undefined ? "" : `, called ${outside}`}`;
}

/** A line of neither glink, Node nor a package. */
function isLineOfCaller(line: string): boolean {
  return /:\d+:\d+\)?$/.test(line) && !/node:|[\\/]node_modules[\\/]/.test(line) && !isLineOfGlink(line);
}
