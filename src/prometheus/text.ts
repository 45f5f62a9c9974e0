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
  const pieces: string[] = [];
  for (const family of scrape(transports, options)) writeFamily(family, pieces);
  return pieces.join("");
}

/** In pieces, which are put together once: there may be as many lines as backends times metrics. */
function writeFamily({ name, type, help, each }: Family, pieces: string[]): void {
  pieces.push(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
  each((suffix, { text }, value) => {
    pieces.push(suffix === "" ? name : name + suffix, text, ` ${value}\n`);
  });
}
