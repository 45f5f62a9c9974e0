import { script } from "../assets/script.ts";
import { styleSheet } from "../assets/style-sheet.ts";
import { type AdminReply, plainReply, reply } from "./exchange.ts";

/** What a page is made of, at any moment. */
export interface PageContents {
  html(): string;
  snapshots(): readonly unknown[];
  /** Whether every target can take calls. */
  isReady(): boolean;
  readonly metrics: (() => string | Promise<string>) | undefined;
  events(): AdminReply;
  snapshotEvents(): AdminReply;
}

/**
 * The answer to a path. Only its last part counts: where the page is mounted is the framework's affair, and links on the
 * page are relative.
 */
export async function resource(path: string, contents: PageContents): Promise<AdminReply> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  switch (name) {
    case "":
      return reply(200, "text/html; charset=utf-8", contents.html());
    case "style.css":
      return reply(200, "text/css; charset=utf-8", styleSheet);
    case "script.js":
      return reply(200, "text/javascript; charset=utf-8", script);
    case "snapshot.json":
      return reply(200, "application/json", JSON.stringify(contents.snapshots(), undefined, 2));
    case "events":
      return contents.events();
    case "snapshots":
      return contents.snapshotEvents();
    case "ready":
      return contents.isReady() ? plainReply(200, "ready") : plainReply(503, "not ready");
    case "metrics":
      if (contents.metrics === undefined) return notFound;
      return reply(200, "text/plain; version=0.0.4; charset=utf-8", await contents.metrics());
    default:
      // Without the slash the browser would look for the page's own files beside it.
      return /^[a-z0-9_-]+$/i.test(name) ? plainReply(308, "See below.", { location: `./${name}/` }) : notFound;
  }
}

const notFound = plainReply(404, "There is no such thing here.");
