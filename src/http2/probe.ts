import type { ConnectionOptions } from "node:tls";
import { checkNumber, checkObject, longestMs } from "../base/check.ts";
import { type Address, checkAddress, parseAddress } from "../endpoint/address.ts";
import { parseTarget } from "../endpoint/target.ts";
import { systemClock } from "../runtime/clock.ts";
import { systemHold } from "../runtime/process-hold.ts";
import { systemRandom } from "../runtime/random.ts";
import { wallClockMs } from "../runtime/wall-clock.ts";
import { checkHttp2Options, http2Defaults } from "./http2-options.ts";
import type { ProbeReport } from "./probe-report.ts";
import { UnreadMemory } from "./unread-memory.ts";

/** How an address is probed. */
export interface ProbeOptions {
  /** As of glinkTransport: whether TLS is spoken, and the name that a certificate has to have. Default: none, it has to be given. */
  baseUrl: string;
  /** Options of tls.connect: `ca`, `cert`, `key`, `servername`, … Default: none. */
  tls?: ConnectionOptions;
  /** In milliseconds, for TCP, TLS and the peer's first SETTINGS together, and then for all PINGs. Default 5 000, from 1. */
  connectTimeoutMs?: number;
  /** PINGs, one after the other. Default 3, from 0 to 1 000. */
  pings?: number;
}

/**
 * Dials one address as a transport does, pings it, closes the connection, and tells what was found and how long each step
 * took: for diagnosis, when a program starts or when calls fail. An address is `{host, port}`, `{path}` or their text.
 *
 * A dial that fails is reported and not thrown. Rejects with a TypeError or RangeError for a bad argument.
 */
export async function probe(address: Address | string, options: ProbeOptions): Promise<ProbeReport> {
  checkObject("the options of probe", options);
  const { baseUrl, tls = {}, connectTimeoutMs = http2Defaults.connectTimeoutMs, pings = 3 } = options;
  const to = typeof address === "string" ? parseAddress(address) : checkAddress(address);
  const target = parseTarget(baseUrl);
  checkNumber("connectTimeoutMs", connectTimeoutMs, { min: 1, max: longestMs });
  checkNumber("pings", pings, { min: 0, max: 1_000, integer: true });
  checkObject("tls", tls);
  const { limits } = checkHttp2Options({}, target);
  const { probeAddress } = await import("./wire/wire-engine.ts");
  const runtime = { clock: systemClock(), random: systemRandom(), hold: systemHold() };
  const unread = new UnreadMemory(runtime.clock);
  const startedAtMs = wallClockMs();
  return probeAddress(to, { target, tls, limits, connectTimeoutMs, pings, startedAtMs, runtime, unread });
}
