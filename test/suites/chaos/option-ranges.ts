import type { NumberRange } from "../../../src/base/check.ts";
import type { GlinkTransportOptions } from "../../../src/index.ts";
import type { Chance } from "../fuzz/chance.ts";
import { drawNumber, type Json, type JsonObject, some } from "./draws.ts";
import { policyDraws } from "./policy-ranges.ts";

/** What an option may be in a round. */
export interface OptionRange {
  /** Of an option that is a number: all that it may be, as its docstring says. */
  readonly range?: NumberRange;
  /** What the option is in a round; undefined: it is left out, and has its default. */
  draw(chance: Chance, facts: RoundFacts): Json | undefined;
}

/** What options depend on that is drawn before them. */
export interface RoundFacts {
  /** Every backend of the round speaks all protocols, JSON and every compression. */
  readonly speaksAll: boolean;
  /** What requests are compressed with: every backend of the round knows it. */
  readonly sends: "gzip" | "br" | undefined;
  /** Some backends are frame peers. */
  readonly framed: boolean;
  readonly protocol: "grpc" | "grpc-web" | "connect";
}

const longestMs = 315_576_000_000;
const bytes = { max: 4_294_967_295, integer: true } as const;

/** An option that is a number: mostly its default, often within `usual`, and now and then anything that it may be. */
function number(range: NumberRange, usual: readonly [number, number], share = 0.4): OptionRange {
  return { range, draw: (chance) => (chance.is(share) ? drawNumber(chance, range, usual) : undefined) };
}

/** Of options that make most calls fail: in the few rounds that have it. */
const rarely = 0.12;

function now(share: number, draw: (chance: Chance, facts: RoundFacts) => Json | undefined): OptionRange {
  return { draw: (chance, facts) => (chance.is(share) ? draw(chance, facts) : undefined) };
}

/** Given by the round itself, whatever it is. */
const given: OptionRange = { draw: () => undefined };

/**
 * Every option of glinkTransport, and from what a round of chaos draws it. An option without a line here is an error of the
 * compiler, and of test/structure/chaos.test.ts, which holds the ranges against those of the docstrings.
 */
export const optionRanges: { readonly [Name in keyof Required<GlinkTransportOptions>]: OptionRange } = {
  baseUrl: given,
  resolver: given,
  http2: given,
  protocol: given,
  // Refused with a TypeError.
  sessionManager: given,
  // There is one.
  httpVersion: now(0.1, () => "2"),

  loadBalancing: now(0.75, policyDraws),
  rotationIntervalMs: {
    range: { min: 1_000, max: longestMs, infinity: "off" },
    draw: (chance) => (chance.is(0.7) ? 1_000 : undefined),
  },
  drainTimeoutMs: number({ min: 0, max: longestMs, infinity: "no limit" }, [1, 3_000]),
  maxQueuedCalls: number({ min: 0, max: 1_000_000_000, integer: true, infinity: "no limit" }, [5, 1_000], rarely),
  maxQueuedBytes: number({ min: 0, max: 2 ** 40, integer: true, infinity: "no limit" }, [10_000, 10_000_000], rarely),
  subsetSize: now(0.2, (chance) =>
    chance.is(0.5) ? chance.int(1, 4) : { size: chance.int(1, 4), index: chance.int(0, 2), count: 3 },
  ),
  zone: now(0.1, (chance) => chance.pick(["a", "b"])),

  outlierDetection: now(0.4, (chance) => (chance.is(0.3) ? false : outlierDraws(chance))),
  panicThreshold: number({ min: 0, max: 1 }, [0.1, 0.9]),
  healthCheck: now(0.25, (chance) => ({ service: chance.pick(["", "glink.demo.v1.EchoService"]) })),
  slowStartMs: number({ min: 0, max: 3_600_000 }, [100, 5_000]),

  reconnectBackoff: now(0.5, (chance) => ({
    ...some(chance, 0.8, "initialBackoffMs", () => chance.int(5, 300)),
    ...some(chance, 0.3, "multiplier", () => 1 + chance.int(0, 20) / 10),
    ...some(chance, 0.3, "jitter", () => chance.int(0, 10) / 10),
    ...some(chance, 0.8, "maxBackoffMs", () => chance.int(50, 2_000)),
  })),
  maxConnectionAgeMs: number({ min: 1_000, max: longestMs, infinity: "off" }, [1_000, 4_000]),
  idleConnectionTimeoutMs: number({ min: 1, max: longestMs, infinity: "never" }, [20, 3_000]),
  connectionsPerBackend: now(0.4, (chance) => {
    const min = chance.int(1, 3);
    return { ...some(chance, 0.8, "min", () => min), max: min + chance.int(0, 3) };
  }),

  connectTimeoutMs: number({ min: 1, max: longestMs }, [200, 3_000]),
  maxHeaderListBytes: number({ min: 1_024, max: 2_147_483_647, integer: true }, [4_096, 100_000]),
  // Frame peers heed no windows, and keep within the usual ones.
  nodeOptions: now(0.4, (chance, { framed }) => ({
    ...some(chance, 0.6, "settings", () => ({
      initialWindowSize: framed ? 1_048_576 : chance.pick([1_000, 16_384, 65_535]),
    })),
    ...some(chance, 0.6, "connectionWindowSize", () => (framed ? 16_777_216 : chance.pick([65_535, 1_000_000]))),
  })),
  // Where the proxy is, the stage knows.
  proxy: now(0.12, () => true),

  pingIntervalMs: number({ min: 1, max: longestMs, infinity: "no PINGs, not even the watchdog's" }, [50, 2_000]),
  pingIdleConnection: now(0.2, () => true),
  pingTimeoutMs: number({ min: 1, max: longestMs }, [300, 3_000]),

  retry: now(0.6, (chance) => (chance.is(0.25) ? false : retryDraws(chance))),
  waitForReady: now(0.3, (chance) => chance.is(0.8)),
  hedging: now(0.35, hedgingDraws),
  methods: now(0.3, (chance) => ({
    "glink.demo.v1.EchoService": methodDraws(chance),
    ...some(chance, 0.5, "glink.demo.v1.EchoService/Unary", () => methodDraws(chance)),
  })),
  serviceConfig: now(0.2, (chance) => ({
    methodConfig: [
      {
        name: [{ service: "glink.demo.v1.EchoService" }],
        ...some(chance, 0.5, "timeout", () => `${chance.int(1, 9)}s`),
        ...some(chance, 0.4, "waitForReady", () => chance.is(0.5)),
        ...some(chance, 0.6, "retryPolicy", () => ({
          maxAttempts: chance.int(2, 5),
          initialBackoff: "0.02s",
          maxBackoff: "0.2s",
          backoffMultiplier: 2,
          retryableStatusCodes: ["UNAVAILABLE"],
        })),
      },
    ],
  })),
  maxOpenCalls: number({ min: 1, max: 1_000_000_000, integer: true, infinity: "no limit" }, [5, 200], rarely),
  admission: now(0.2, (chance) => ({
    ...some(chance, 0.5, "ratio", () => 1.1 + chance.int(0, 40) / 10),
    ...some(chance, 0.5, "windowMs", () => chance.int(1_000, 5_000)),
    ...some(chance, 0.5, "minPerSecond", () => chance.int(0, 50)),
    ...some(chance, 0.5, "maxDropShare", () => chance.int(0, 99) / 100),
  })),
  readMaxBytes: number({ min: 1, ...bytes }, [1_000, 1_000_000], rarely),

  useBinaryFormat: now(0.3, (_, { speaksAll }) => (speaksAll ? false : undefined)),
  binaryOptions: now(0.1, (chance) => ({ writeUnknownFields: chance.is(0.5) })),
  jsonOptions: now(0.1, () => ({ ignoreUnknownFields: true })),
  // Names: a plan is JSON.
  acceptCompression: now(0.3, (chance, { sends }) =>
    // Servers may answer as they were asked, whatever the list says.
    sends === undefined ? chance.pick([[], ["gzip"], ["br"], ["br", "gzip"]]) : chance.pick([[sends], ["br", "gzip"]]),
  ),
  sendCompression: { draw: (_, { sends }) => sends },
  compressMinBytes: number({ min: 0, ...bytes }, [1, 10_000]),
  writeMaxBytes: number({ min: 1, ...bytes }, [1_000, 1_000_000], rarely),
  useHttpGet: now(0.4, (_, { protocol }) => (protocol === "connect" ? true : undefined)),

  logger: now(0.2, () => true),
  instrumentation: now(0.3, () => true),
  interceptors: now(0.2, (chance) => chance.int(1, 2)),
  defaultTimeoutMs: number({ min: 0, max: longestMs, infinity: "none" }, [500, 5_000]),
};

function outlierDraws(chance: Chance): JsonObject {
  return {
    ...some(chance, 0.5, "consecutiveFailures", () => chance.int(1, 10)),
    ...some(chance, 0.5, "intervalMs", () => chance.int(100, 2_000)),
    ...some(chance, 0.7, "baseEjectionMs", () => chance.int(10, 2_000)),
    ...some(chance, 0.5, "maxEjectionMs", () => chance.int(1_000, 3_000)),
    ...some(chance, 0.5, "maxEjectionPercent", () => chance.int(0, 100)),
    ...some(chance, 0.3, "successRate", () => ({ minimumHosts: 2, requestVolume: chance.int(1, 20) })),
    ...some(chance, 0.3, "failurePercentage", () => ({
      minimumHosts: 1,
      requestVolume: 5,
      threshold: chance.int(0, 100),
    })),
  };
}

/** What a transport's `retry` may say, but for what only a transport may. */
function ownRetryDraws(chance: Chance): JsonObject {
  return {
    ...some(chance, 0.6, "maxAttempts", () => chance.int(1, 8)),
    ...some(chance, 0.5, "initialBackoffMs", () => chance.int(0, 100)),
    ...some(chance, 0.2, "multiplier", () => 1 + chance.int(0, 20) / 10),
    ...some(chance, 0.4, "maxBackoffMs", () => chance.int(0, 500)),
    ...some(chance, 0.2, "jitter", () => chance.int(0, 10) / 10),
    ...some(chance, 0.3, "perAttemptTimeoutMs", () => chance.int(20, 1_000)),
    ...some(chance, 0.2, "idempotentOnly", () => true),
    ...some(chance, 0.2, "bufferMaxBytes", () => chance.pick([0, 100, 10_000])),
    ...some(chance, 0.2, "codes", () => chance.pick([[14], [14, 4, 13], []])),
  };
}

function retryDraws(chance: Chance): JsonObject {
  return {
    ...ownRetryDraws(chance),
    ...some(chance, 0.4, "budget", () =>
      chance.is(0.5) ? false : { ratio: chance.int(0, 10) / 10, minPerSecond: chance.int(0, 50) },
    ),
    ...some(chance, 0.2, "bufferTotalMaxBytes", () => chance.pick([0, 50_000])),
  };
}

export function hedgingDraws(chance: Chance): JsonObject {
  return {
    ...some(chance, 0.6, "maxAttempts", () => chance.int(2, 5)),
    ...some(chance, 0.8, "delayMs", () => chance.pick([0, 5, 50, "p50", "p95"])),
    ...some(chance, 0.4, "idempotentOnly", () => false),
    ...some(chance, 0.2, "nonFatalCodes", () => chance.pick([[], [14], [4, 14]])),
  };
}

function methodDraws(chance: Chance): JsonObject {
  return {
    ...some(chance, 0.4, "timeoutMs", () => chance.int(50, 5_000)),
    ...some(chance, 0.3, "waitForReady", () => chance.is(0.5)),
    ...some(chance, 0.4, "retry", () => (chance.is(0.3) ? false : ownRetryDraws(chance))),
    ...some(chance, 0.3, "hedging", () => hedgingDraws(chance)),
  };
}

/** What a single call may ask for. */
export function callDraws(chance: Chance): JsonObject {
  return {
    ...some(chance, 0.15, "retry", () => (chance.is(0.5) ? false : ownRetryDraws(chance))),
    ...some(chance, 0.1, "hedging", () => (chance.is(0.3) ? false : hedgingDraws(chance))),
    ...some(chance, 0.2, "waitForReady", () => chance.is(0.5)),
    ...some(chance, 0.3, "hashKey", () => `key ${chance.int(0, 20)}`),
  };
}
