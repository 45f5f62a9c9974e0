import { checkNames, checkNumber, checkObject, describeValue } from "../base/check.ts";
import type { PickInfo } from "./picker.ts";
import type { LoadBalancing } from "./policy.ts";
import { RingHashPolicy } from "./ring-hash-policy.ts";

/** Options of {@link ringHash}. */
export interface RingHashOptions {
  /**
   * What a call is sent by: the name of a metadata field, in lower case, or a function that returns a text, and must be as
   * fast as a pick. A call's own `glinkCall.hashKey` comes before it. Default: `glinkCall.hashKey` alone. A call without a
   * key goes to a random backend. gRPC's twin: requestHashHeader (A76).
   */
  readonly key?: string | ((info: PickInfo) => string | undefined);
  /** Entries of the ring, at least. Default 1 024, from 1 to 8 388 608. More are shared more evenly. */
  readonly minRingSize?: number;
  /**
   * Entries of the ring, at most. Default 4 096, from 1 to 8 388 608. With more backends than this, some have none, and
   * get no calls.
   */
  readonly maxRingSize?: number;
}

/** gRPC's limit of both sizes. */
const sizeRange = { min: 1, max: 8_388_608, integer: true };

/**
 * Calls with the same key go to the same backend, on every client, and where a backend comes or leaves only its own keys
 * move: for caches, sessions, and whatever a backend should see as a whole. The same key goes to the same backend as in
 * grpc-go, where backends are the same addresses with the same weights (gRFC A42, A76).
 *
 * Backends are connected when the first call comes for them. A key whose backend cannot be reached, is full, or failed
 * the call before, goes to the next one on the ring. The ring has entries by `endpointWeight`, of `endpointHashKey` or
 * else the first address.
 *
 * Throws a TypeError or RangeError that names the option.
 */
export function ringHash(options: RingHashOptions = {}): LoadBalancing {
  checkNames("ringHash", checkObject("ringHash", options), ["key", "minRingSize", "maxRingSize"]);
  const { key, minRingSize = 1_024, maxRingSize = 4_096 } = options;
  checkNumber("ringHash: minRingSize", minRingSize, sizeRange);
  checkNumber("ringHash: maxRingSize", maxRingSize, sizeRange);
  if (minRingSize > maxRingSize) {
    throw new RangeError(`ringHash: minRingSize ${minRingSize} is greater than maxRingSize ${maxRingSize}`);
  }
  const size = { min: minRingSize, max: maxRingSize };
  const keyOf = checkKey(key);
  return {
    name: "ring_hash",
    // The same key goes to the same backend on every client, in whichever zone that is.
    heedsZones: false,
    createPolicy: (controller) => new RingHashPolicy(controller, size, keyOf),
  };
}

function checkKey(key: RingHashOptions["key"]): (info: PickInfo) => string | undefined {
  if (key === undefined) return () => undefined;
  if (typeof key === "function") return key;
  if (typeof key !== "string" || !/^[0-9a-z_.-]+$/.test(key) || key.endsWith("-bin")) {
    throw new TypeError(
      `ringHash: key must be a function, or the name of a metadata field in lower case that does not end in -bin, not ${describeValue(key)}`,
    );
  }
  return ({ metadata }) => {
    for (let i = 0; i < metadata.length; i += 2) if (metadata[i] === key) return metadata[i + 1];
    return undefined;
  };
}
