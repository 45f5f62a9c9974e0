import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, hasProgram, Programs } from "../../support/programs.ts";

/** One answer of Prometheus' query API. */
export interface QueryResult {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus server that scrapes one place. */
export interface PrometheusServer {
  /** Throws what is wrong with the expression. */
  query(expression: string): Promise<readonly QueryResult[]>;
  close(): Promise<void>;
}

export function hasPrometheus(): boolean {
  return ["prometheus", "promtool"].every(hasProgram);
}

/** What `promtool check metrics` says of a scrape: nothing, if all is well. */
export function lint(text: string): string {
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  return status === 0 ? stdout : `${stdout}${stderr}` || `promtool ended with ${status}`;
}

/** Starts Prometheus, which scrapes `/metrics` at `scraped` each second. */
export async function startPrometheus(scraped: string): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), "glink-prometheus-"));
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    scrape_configs: [{ job_name: "glink", static_configs: [{ targets: [scraped] }] }],
  };
  // JSON is YAML.
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const programs = new Programs();
  await programs.start(
    "prometheus",
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=${address}`,
    ],
    port,
  );
  const query = async (expression: string) => {
    const response = await fetch(`http://${address}/api/v1/query?${new URLSearchParams({ query: expression })}`);
    const { status, error, data } = (await response.json()) as ApiAnswer;
    if (status !== "success") throw new Error(`${expression}: ${error}`);
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  };
  const close = async () => {
    await programs.close();
    rmSync(folder, { recursive: true, force: true });
  };
  for (let i = 0; i < 300; i++) {
    const up = await query('up{job="glink"}').catch(() => []);
    if (up[0]?.value === 1) return { query, close };
    await sleep(100);
  }
  await close();
  throw new Error("Prometheus has not scraped within 30 s");
}

interface ApiAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[];
  };
}
