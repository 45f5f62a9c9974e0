import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** What links of a site's pages lead nowhere: to files that it lacks, or to anchors that a page lacks. */
export function brokenLinks(site: string): string[] {
  const pages = pagesBelow(site);
  const anchors = new Map(pages.map((page) => [page, anchorsOf(page)]));
  return pages.flatMap((page) =>
    linksOf(page).flatMap((link) => {
      const [path = "", anchor = ""] = link.split("#");
      const target = path === "" ? page : join(dirname(page), decodeURIComponent(path));
      const place = `${relative(site, page)} links to ${link}`;
      if (!existsSync(target) || statSync(target).isDirectory()) return [`${place}: no such file`];
      const known = anchors.get(target);
      return anchor === "" || known === undefined || known.has(decodeURIComponent(anchor))
        ? []
        : [`${place}: no such anchor`];
    }),
  );
}

/** The HTML files below a folder. */
export function pagesBelow(site: string): string[] {
  return readdirSync(site, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".html"))
    .map((name) => join(site, name));
}

/** Those within the site: what has a scheme leads elsewhere. */
function linksOf(page: string): string[] {
  const links = readFileSync(page, "utf8").matchAll(/\s(?:href|src)="([^"]+)"/g);
  return Array.from(links, ([, link = ""]) => link.replaceAll("&amp;", "&")).filter(
    (link) => !/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(link),
  );
}

function anchorsOf(page: string): Set<string> {
  return new Set(Array.from(readFileSync(page, "utf8").matchAll(/\sid="([^"]+)"/g), ([, id = ""]) => id));
}
