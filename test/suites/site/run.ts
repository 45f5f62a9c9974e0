import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { browserPath, type OpenPage, openBrowser } from "../admin/browser.ts";
import { brokenLinks, pagesBelow } from "./links.ts";

/*
 * npm run site, or npm run site -- docs_testing modules/
 * Builds the site of reference and guides, follows its links, and has axe-core read its pages in a real Chromium, from
 * file:// and in both colour schemes; on a telephone they are moved up and down alone; with words, those whose path has one of them. What cannot be had on this machine is said to be skipped.
 */

const root = join(import.meta.dirname, "../../..");
const site = join(root, ".cache/site");
const pictures = join(root, ".cache/site-pictures");
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What axe-core finds on one page. */
interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly target: readonly string[] }[];
}

let failed = 0;
let passed = 0;
function report(name: string, problems: readonly string[]): void {
  if (problems.length === 0) passed++;
  else failed++;
  console.log(`site, ${name}: ${problems.length === 0 ? "passes" : `FAILED\n  ${problems.join("\n  ")}`}`);
}

execFileSync(process.execPath, ["scripts/docs.mjs"], { cwd: root, stdio: "inherit" });
const pages = pagesBelow(site);
const guides = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
const guidePages = guides.map((name) => `documents/docs_${name.replace(/\.md$/, ".html")}`);
report(
  "it has a page for every guide",
  guidePages.filter((page) => !existsSync(join(site, page))),
);
report("every link leads somewhere", brokenLinks(site));
if (browserPath() === undefined) {
  console.log("site, accessibility: skipped: no Chromium is installed (apt-get install chromium)");
} else {
  await accessibility();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** The first page, each guide, each subpath, and one page of each kind of symbol; or of those the ones that were asked for. */
function pagesToRead(): string[] {
  const words = process.argv.slice(2);
  const perSymbol = ["functions/index.glinkTransport.html", "interfaces/index.GlinkTransportOptions.html"];
  const types = ["types/index.GlinkEvent.html", "variables/index.glinkCall.html"];
  const all = pages.filter((page) =>
    /^(index|modules|documents[\\/].*|modules[\\/].*)\.html$/.test(relative(site, page)),
  );
  const every = [...all, ...[...perSymbol, ...types].map((page) => join(site, page))];
  return every.filter((page) => words.length === 0 || words.some((word) => relative(site, page).includes(word)));
}

async function accessibility(): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  const browser = await openBrowser();
  try {
    for (const path of pagesToRead()) {
      const name = relative(site, path);
      const problems: string[] = existsSync(path) ? [] : ["no such page"];
      const open = await browser.open(pathToFileURL(path).href);
      for (const colorScheme of ["light", "dark"] as const) {
        await open.page.emulateMedia({ colorScheme });
        problems.push(...(await violations(open)).map((text) => `${colorScheme}: ${text}`));
        if (name === "index.html" || name === "interfaces/index.GlinkTransportOptions.html")
          await open.picture(join(pictures, `${name.replaceAll("/", "-")}-${colorScheme}.png`), colorScheme);
      }
      problems.push(...(await widerThanTelephone(open)));
      // Where the browser takes no icons from a file, a script of the site's puts them into the page.
      problems.push(...open.complaints.filter((text) => !text.includes("assets/icons.svg")));
      report(`${name} is accessible`, problems);
      await open.close();
    }
  } finally {
    await browser.close();
  }
}

/** WCAG 2.1, levels A and AA. typedoc's tree has links in its summaries: both can be reached, and told from each other. */
async function violations({ page }: OpenPage): Promise<string[]> {
  await page.addScriptTag({ content: readFileSync(axe, "utf8") });
  const found = (await page.evaluate(
    `axe.run(document, {
      preload: false,
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
      rules: { "nested-interactive": { enabled: false } },
    }).then(({ violations }) => violations)`,
  )) as Violation[];
  return found.map(
    ({ id, help, nodes }) => `${id} (${help}): ${nodes.slice(0, 3).map(({ target }) => target.join(" "))}`,
  );
}

/** By how much the page is wider than a telephone's screen, if it is. */
async function widerThanTelephone({ page }: OpenPage): Promise<string[]> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  const overhang = (await page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  )) as number;
  if (before !== null) await page.setViewportSize(before);
  return overhang > 0 ? [`${overhang} px of it are beside a screen of 390 px`] : [];
}
