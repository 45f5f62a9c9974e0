import type { LoadBalancing } from "../balancing/policy.ts";
import { roundRobin } from "../balancing/round-robin.ts";
import { checkNumber, describeValue, longestMs, orDefault } from "../base/check.ts";
import type { Target } from "../endpoint/target.ts";
import { dnsResolver } from "../resolver/dns.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { staticResolver } from "../resolver/static.ts";
import { checkSubsetSize, type SubsetSize } from "./subset-options.ts";

/** Where backends come from, which of them takes a call, and how a pool changes. */
export interface PoolInit {
  /** Where backends come from. Default `dnsResolver()`: the operating system's name lookup. */
  resolver?: Resolver;
  /** Which ready backend takes a call. Default `roundRobin()`. gRPC's twin: loadBalancingConfig. */
  loadBalancing?: LoadBalancing;
  /**
   * How often the resolver is asked again, ± 10 %, the first time ± 15 %. Default 30 000, from 1 000; `Infinity` switches
   * the timer off, and only failures ask again.
   */
  rotationIntervalMs?: number;
  /**
   * How long a retired connection waits for its open calls; then they fail with Unavailable. Default `Infinity`: no call
   * is cut because its connection was replaced. From 0, which cuts at once.
   */
  drainTimeoutMs?: number;
  /**
   * Calls that may wait for a connection or a stream slot; beyond: ResourceExhausted. Default 10 000, from 0 to
   * 1 000 000 000; `Infinity`: no limit.
   */
  maxQueuedCalls?: number;
  /**
   * What the requests of such calls may come to, in bytes as they are sent: a call that does not fit beside those that
   * wait fails with ResourceExhausted. One whose request would be the only one waits, whatever its size. Requests of
   * client streams do not count: they wait with their callers. Default 268 435 456, from 0 to
   * 1 099 511 627 776; `Infinity`: no limit.
   */
  maxQueuedBytes?: number;
  /**
   * To how many of the backends a client connects, of each priority; the same ones as long as they are named. A number:
   * by chance, each client its own. `{ size, index, count }`: client `index` of `count` has its exact share, so that
   * connections to backends differ by one at most. Default `Infinity`: to all. gRFC A68.
   */
  subsetSize?: SubsetSize;
  /**
   * The zone that this client is in: backends whose `endpointZone` is the same come first, as long as they can carry their
   * share; what they cannot carry goes to the other zones. Default: none, zones make no difference.
   */
  zone?: string;
}

export interface PoolSettings extends Readonly<Required<Omit<PoolInit, "zone">>> {
  readonly zone: string | undefined;
}

export const poolDefaults: Omit<PoolSettings, "resolver" | "loadBalancing"> = Object.freeze({
  subsetSize: Number.POSITIVE_INFINITY,
  zone: undefined,
  rotationIntervalMs: 30_000,
  drainTimeoutMs: Number.POSITIVE_INFINITY,
  maxQueuedCalls: 10_000,
  maxQueuedBytes: 2 ** 28,
});

export function checkPoolOptions(given: PoolInit, target: Target): PoolSettings {
  // There is nothing to look up for an IP literal.
  const { resolver = target.isIpLiteral ? staticResolver([target]) : dnsResolver() } = given;
  const { loadBalancing = roundRobin() } = given;
  if (typeof resolver?.watch !== "function") {
    throw new TypeError(`resolver must be a Resolver, such as dnsResolver(), not ${describeValue(resolver)}`);
  }
  if (typeof loadBalancing?.createPolicy !== "function") {
    throw new TypeError(`loadBalancing must be a policy, such as roundRobin(), not ${describeValue(loadBalancing)}`);
  }
  const number = (
    name: Exclude<keyof typeof poolDefaults, "subsetSize" | "zone">,
    range: Parameters<typeof checkNumber>[2],
  ) => checkNumber(name, orDefault(given[name], poolDefaults[name]), range);
  const { zone } = given;
  if (zone !== undefined && (typeof zone !== "string" || zone === "")) {
    throw new TypeError(`zone must be a text that is not empty, not ${describeValue(zone)}`);
  }
  return {
    resolver,
    loadBalancing,
    subsetSize: checkSubsetSize(orDefault(given.subsetSize, poolDefaults.subsetSize)),
    zone,
    rotationIntervalMs: number("rotationIntervalMs", { min: 1_000, max: longestMs, infinity: "off" }),
    drainTimeoutMs: number("drainTimeoutMs", { min: 0, max: longestMs, infinity: "no limit" }),
    maxQueuedCalls: number("maxQueuedCalls", { min: 0, max: 1_000_000_000, integer: true, infinity: "no limit" }),
    maxQueuedBytes: number("maxQueuedBytes", {
      min: 0,
      max: 2 ** 40,
      integer: true,
      infinity: "no limit",
    }),
  };
}
