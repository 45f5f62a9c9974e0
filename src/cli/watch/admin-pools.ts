import type { Clock, TimerHandle } from "../../index.ts";
import { plain } from "../output.ts";
import type { PoolFeed, PoolFeedListener } from "./pool-feed.ts";
import { poolViewOf } from "./pool-view.ts";

/** As the page itself tells browsers to wait before they come again. */
const againMs = 2_000;

/** A page that never ends an event must not fill the memory. */
const longestEventChars = 64 * 1024 * 1024;

/** The pools of another process, through the page of glink/admin that it serves at `page`. */
export function adminPools(page: string, clock: Clock, listener: PoolFeedListener): PoolFeed {
  const stop = new AbortController();
  let timer: TimerHandle | undefined;
  const attach = async () => {
    try {
      await read(page, stop.signal, listener);
      listener.onTrouble("the page ended the stream");
    } catch (error) {
      if (stop.signal.aborted) return;
      listener.onTrouble(reasonOf(error));
    }
    if (!stop.signal.aborted) timer = clock.setTimeout(attach, againMs);
  };
  void attach();
  return {
    close: async () => {
      clock.clearTimeout(timer);
      stop.abort();
    },
  };
}

/** Reads server-sent events until the page ends them. Rejects with what went wrong. */
async function read(page: string, signal: AbortSignal, listener: PoolFeedListener): Promise<void> {
  const response = await fetch(new URL("snapshots", page), { signal, headers: { accept: "text/event-stream" } });
  const type = response.headers.get("content-type") ?? "nothing";
  if (!response.ok || !type.startsWith("text/event-stream") || response.body === null) {
    await response.body?.cancel();
    const isPage = response.status === 404 ? ": is a page of glink/admin there, of this version?" : "";
    throw new Error(`it answered ${response.status} with ${type}${isPage}`);
  }
  // Lines are put together once, when they end: looking again at all of a long event with each piece would take for ever.
  let line: string[] = [];
  let event: string[] = [];
  let chars = 0;
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const [end = "", ...begun] = piece.split("\n");
    line.push(end);
    chars += piece.length;
    for (const next of begun) {
      const whole = line.join("");
      line = [next];
      if (whole !== "") event.push(whole);
      else {
        readEvent(event, listener);
        event = [];
        chars = next.length;
      }
    }
    if (chars > longestEventChars) throw new Error("it sent an event without an end");
  }
}

function readEvent(lines: readonly string[], listener: PoolFeedListener): void {
  const data = lines
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice("data: ".length))
    .join("\n");
  if (data === "") return;
  const { snapshots } = JSON.parse(data) as { snapshots?: unknown };
  if (!Array.isArray(snapshots)) return;
  listener.onPools(snapshots.map(poolViewOf).filter((view) => view !== undefined));
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: unknown; cause?: { message?: unknown; code?: unknown } };
  // fetch says "fetch failed", and why in its cause.
  const reason = plain(String(cause?.message || cause?.code || message || error));
  if (cause?.code !== "ECONNREFUSED") return reason;
  return `${reason}: does the program run, and serve a page of glink/admin there? It is asked again every 2 s`;
}
