import type { Family } from "./samples.ts";
import { checkScrape, type Scraped, type ScrapeOptions, scrape } from "./scrape.ts";

/** The Content-Type of what {@link prometheusText} returns. */
export const prometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

/**
 * The metrics of transports in Prometheus' text format, as they are now: what to answer to `GET /metrics`. Values of
 * several transports to one target are added. Throws a TypeError for arguments that are none.
 */
export function prometheusText(transports: readonly Scraped[], options: ScrapeOptions = {}): string {
  checkScrape(transports, options);
  return scrape(transports, options).map(familyText).join("");
}

function familyText({ name, type, help, series }: Family): string {
  let text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  for (const { suffix, labelsText, value } of series) text += `${name}${suffix}${labelsText} ${value}\n`;
  return text;
}
