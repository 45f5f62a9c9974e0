import { checkNames, checkNumber, checkObject, definedFields, longestMs, orDefault } from "../base/check.ts";
import type { BackoffOptions } from "../runtime/backoff.ts";
import type { ConnectionLimits } from "./growth.ts";

/** How one backend is dialled, and how long its connections serve. */
export interface SubchannelInit {
  /**
   * The wait between dials of one backend, counted from the start of the dial. Default 250 ms × 1.6, ± 20 %, at most 10 s.
   * Forgotten once a connection answered a call or stayed ready for 10 s. gRPC: connection-backoff.md.
   */
  reconnectBackoff?: Partial<BackoffOptions>;
  /**
   * Replace a connection of this age, ± 10 %, of few backends up to 10 % sooner: the successor is ready first, and only few
   * are replaced at a time. Default 300 000, from 1 000; `Infinity`: never. The client's twin of grpc.max_connection_age_ms.
   */
  maxConnectionAgeMs?: number;
  /**
   * Close a connection after this long without a call. When all are closed, the name is not looked up either; the next
   * call waits for a fresh list. Default 900 000, from 1; `Infinity`: never.
   */
  idleConnectionTimeoutMs?: number;
  /**
   * Connections to each backend. `max`: one more is dialled when the streams of all are used up, and `min`: so many from
   * the start, which share the calls, for one virtual address in front of many backends. Default `{ min: 1, max: 1 }`, from 1 to 100;
   * without `max` it is `min`. gRFC A105: max_connections_per_subchannel.
   */
  connectionsPerBackend?: Partial<ConnectionLimits>;
}

export interface SubchannelSettings {
  readonly reconnectBackoff: BackoffOptions;
  readonly maxConnectionAgeMs: number;
  readonly idleConnectionTimeoutMs: number;
  readonly connectionsPerBackend: ConnectionLimits;
}

export const subchannelDefaults: SubchannelSettings = Object.freeze({
  reconnectBackoff: Object.freeze({ initialBackoffMs: 250, multiplier: 1.6, jitter: 0.2, maxBackoffMs: 10_000 }),
  maxConnectionAgeMs: 300_000,
  idleConnectionTimeoutMs: 900_000,
  connectionsPerBackend: Object.freeze({ min: 1, max: 1 }),
});

export function checkSubchannelOptions(given: SubchannelInit): SubchannelSettings {
  const { maxConnectionAgeMs, idleConnectionTimeoutMs } = subchannelDefaults;
  const age = { min: 1_000, max: longestMs, infinity: "off" };
  const idle = { min: 1, max: longestMs, infinity: "never" };
  return {
    reconnectBackoff: checkReconnectBackoff(orDefault(given.reconnectBackoff, {})),
    maxConnectionAgeMs: checkNumber("maxConnectionAgeMs", orDefault(given.maxConnectionAgeMs, maxConnectionAgeMs), age),
    idleConnectionTimeoutMs: checkNumber(
      "idleConnectionTimeoutMs",
      orDefault(given.idleConnectionTimeoutMs, idleConnectionTimeoutMs),
      idle,
    ),
    connectionsPerBackend: checkConnections(orDefault(given.connectionsPerBackend, {})),
  };
}

function checkConnections(given: Partial<ConnectionLimits>): ConnectionLimits {
  const name = "connectionsPerBackend";
  const fields = definedFields(checkObject(name, given));
  checkNames(name, fields, ["min", "max"]);
  const { min = subchannelDefaults.connectionsPerBackend.min } = fields;
  const { max = min } = fields;
  const range = { min: 1, max: 100, integer: true };
  checkNumber(`${name}.min`, min, range);
  checkNumber(`${name}.max`, max, range);
  if (min > max) throw new RangeError(`${name}.min must be at most max, which is ${max}, not ${min}`);
  return { min, max };
}

function checkReconnectBackoff(given: Partial<BackoffOptions>): BackoffOptions {
  const defaults = subchannelDefaults.reconnectBackoff;
  const backoff = { ...defaults, ...definedFields(checkObject("reconnectBackoff", given)) };
  checkNames("reconnectBackoff", backoff, Object.keys(defaults));
  checkNumber("reconnectBackoff.initialBackoffMs", backoff.initialBackoffMs, { min: 1, max: longestMs });
  checkNumber("reconnectBackoff.multiplier", backoff.multiplier, { min: 1, max: 1_000 });
  checkNumber("reconnectBackoff.jitter", backoff.jitter, { min: 0, max: 1 });
  checkNumber("reconnectBackoff.maxBackoffMs", backoff.maxBackoffMs, { min: 1, max: longestMs });
  return backoff;
}
