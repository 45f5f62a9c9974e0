import { dnsResolver, glinkTransport } from "../../../src/index.ts";
import type { EngineName } from "../../support/engines.ts";
import { Load } from "../../support/load.ts";

/** What a client prints when it ends, as JSON. */
export interface ClientReport {
  readonly calls: number;
  readonly failed: number;
  /** Each text once. */
  readonly errors: readonly string[];
  /** Calls that each backend answered. */
  readonly served: Readonly<Record<string, number>>;
  /** Backends that are ready at the end. */
  readonly ready: readonly string[];
}

/*
 * Runs in the client's namespace: calls to echo.test, from the first moment on, with a deadline shorter than connectTimeoutMs
 * unless another is given. Arguments: the engine, for how many milliseconds, the DNS server to ask, or "system", and the
 * deadline in milliseconds.
 */

const [engine, runMs, nameServer = "system", timeoutMs = "3000"] = process.argv.slice(2);
const transport = glinkTransport({
  baseUrl: "http://echo.test:50051",
  http2: engine as EngineName,
  resolver: nameServer === "system" ? dnsResolver() : dnsResolver({ servers: [nameServer] }),
});
const load = new Load(transport, { callsPerSecond: 50, timeoutMs: Number(timeoutMs) });
await new Promise((resolve) => setTimeout(resolve, Number(runMs)));
await load.stop();
const report: ClientReport = {
  calls: load.results.length,
  failed: load.failures.length,
  errors: [...new Set(load.failures.map(({ message }) => message))],
  served: Object.fromEntries(load.answersSince(0)),
  ready: transport
    .snapshot()
    .subchannels.filter(({ state }) => state === "ready")
    .map(({ address }) => address),
};
await transport.close({ timeoutMs: 0 });
console.log(JSON.stringify(report));
