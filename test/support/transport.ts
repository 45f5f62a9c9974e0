import { describeValue } from "../../src/base/check.ts";
import { type GlinkTransport, type GlinkTransportOptions, glinkTransport as make } from "../../src/index.ts";
import { engineNames } from "./engines.ts";

/** The engine that tests of behaviour run on, the default one without: `node scripts/run-tests.mjs --engine node`. */
const name = process.env.GLINK_TEST_ENGINE;
const http2 = engineNames.find((known) => known === name);
if (name !== undefined && http2 === undefined) throw new Error(`GLINK_TEST_ENGINE is ${describeValue(name)}`);

/** The options of a transport on the engine that this run is for. */
export function withEngine(options: GlinkTransportOptions): GlinkTransportOptions {
  return http2 === undefined ? options : { http2, ...options };
}

/** The transport under test, on that engine. */
export function glinkTransport(options: GlinkTransportOptions): GlinkTransport {
  return make(withEngine(options));
}
