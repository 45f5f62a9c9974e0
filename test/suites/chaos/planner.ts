import { Code } from "@connectrpc/connect";
import { engineNames } from "../../support/engines.ts";
import { Chance } from "../fuzz/chance.ts";
import type { JsonObject } from "./draws.ts";
import { callDraws, optionRanges, type RoundFacts } from "./option-ranges.ts";
import {
  type BackendKind,
  type CallKind,
  callKinds,
  hopelessKinds,
  type Plan,
  type PlannedAction,
  type PlannedBackend,
  type PlannedCall,
} from "./plan.ts";

/** What rounds may be made of on this machine. */
export interface Possible {
  /** Backends have loopback addresses of their own, so that address records can name them. */
  readonly manyAddresses: boolean;
  readonly kinds: ReadonlySet<BackendKind>;
  /** Undefined: both. */
  readonly engine: Plan["engine"] | undefined;
}

/** One seed, one plan. What the machine cannot do changes plans, and nothing else does. */
export function planRound(seed: number, possible: Possible): Plan {
  const chance = new Chance(seed);
  const drawnEngine = chance.pick(engineNames);
  const tls = chance.is(0.15);
  // Protocols beside gRPC, JSON, brotli and TLS: all of it is connect-node's alone.
  const speaksAll = chance.is(0.3);
  const protocol = speaksAll ? chance.pick(["grpc", "grpc-web", "connect"] as const) : "grpc";
  const backends = drawBackends(chance, speaksAll || tls, possible);
  const knowsGzip = backends.every(
    ({ kind }) => kind === "connect-node" || kind === "grpc-js" || hopelessKinds.has(kind),
  );
  const stormMs = chance.int(2_500, 4_500);
  const drawnResolver = chance.pick(["dns", "dns", "srv", "static"] as const);
  const resolver = drawnResolver === "dns" && !possible.manyAddresses ? "srv" : drawnResolver;
  const framed = backends.some(({ kind }) => kind === "frames");
  const drawnCompression = speaksAll ? chance.pick(["gzip", "br"] as const) : knowsGzip ? "gzip" : undefined;
  const sends = chance.is(0.3) ? drawnCompression : undefined;
  const options = drawOptions(chance, { speaksAll, sends, framed, protocol });
  return {
    seed,
    engine: possible.engine ?? drawnEngine,
    protocol,
    tls: tls && backends.every(({ kind }) => kind === "connect-node" || kind === "grpc-js" || hopelessKinds.has(kind)),
    resolver,
    options,
    backends,
    actions: drawActions(chance, { backends, stormMs, resolver }),
    calls: drawCalls(chance, stormMs, framed),
    stormMs,
    ...(chance.is(0.12) ? { close: { atMs: chance.int(0, stormMs), timeoutMs: chance.int(0, 800) } } : {}),
  };
}

function drawBackends(chance: Chance, connectNodeOnly: boolean, { kinds }: Possible): PlannedBackend[] {
  const real = (["connect-node", "grpc-js", "grpc-go", "c-core", "frames"] as const).filter((kind) => kinds.has(kind));
  const backends: PlannedBackend[] = [];
  for (let count = chance.int(1, 5); count > 0; count--) {
    const kind = connectNodeOnly ? "connect-node" : chance.pick(real);
    const maxStreams = chance.is(0.3) ? { maxStreams: chance.pick([1, 2, 10, 100]) } : {};
    const age = kind === "grpc-go" && chance.is(0.6) ? { ageMs: chance.int(100, 1_000) } : {};
    const lies =
      kind === "frames" ? { lies: chance.is(0.5) ? 0 : chance.int(1, 60), seed: chance.int(0, 2 ** 31) } : {};
    backends.push({ kind, ...maxStreams, ...age, ...lies });
  }
  // Two processes of each are enough for a round, and all that are kept.
  for (const kind of ["grpc-go", "c-core"]) {
    while (backends.filter((one) => one.kind === kind).length > 2) {
      backends.splice(
        backends.findIndex((one) => one.kind === kind),
        1,
      );
    }
  }
  if (chance.is(0.3)) backends.push({ kind: chance.pick(["foreign", "silent", "nowhere"]) });
  return backends;
}

function drawOptions(chance: Chance, facts: RoundFacts): JsonObject {
  const drawn = Object.entries(optionRanges).map(([name, { draw }]) => [name, draw(chance, facts)] as const);
  return Object.fromEntries(drawn.filter(([, value]) => value !== undefined)) as JsonObject;
}

function drawActions(
  chance: Chance,
  { backends, stormMs, resolver }: Pick<Plan, "backends" | "stormMs" | "resolver">,
): PlannedAction[] {
  const actions: PlannedAction[] = [];
  const all = backends.map((_, index) => index);
  const makers: (() => PlannedAction)[] = [
    () => ({
      ...at(),
      do: chance.pick(["refuse", "freeze", "stall"]),
      backend: chance.pick(all),
      forMs: chance.int(50, 1_500),
    }),
    () => ({ ...at(), do: chance.pick(["reset", "end"]), backend: chance.pick(all) }),
    () => ({
      ...at(),
      do: "slow",
      backend: chance.pick(all),
      delayMs: chance.int(1, 150),
      forMs: chance.int(100, 1_500),
    }),
    () => ({ ...at(), do: "cut", backend: chance.pick(all), afterBytes: chance.int(0, 3_000), reset: chance.is(0.5) }),
    () => ({ ...at(), do: "drain", backend: chance.pick(all) }),
    () => ({ ...at(), do: "health", backend: chance.pick(all), serving: chance.is(0.5) }),
    () => ({
      ...at(),
      do: "settings",
      backend: chance.pick(all),
      maxStreams: chance.pick([0, 1, 3, 100]),
      windowBytes: chance.pick([0, 1, 1_000, 65_535, 1_000_000]),
    }),
  ];
  if (chance.is(0.25)) {
    makers.push(() => ({ ...at(), do: "kill", backend: chance.pick(all) }));
    makers.push(() => ({ ...at(), do: "stop", backend: chance.pick(all), forMs: chance.int(100, 1_500) }));
  }
  if (resolver !== "static") {
    makers.push(() => ({ ...at(), do: "list", backends: all.filter(() => chance.is(0.6)) }));
    makers.push(() => ({
      ...at(),
      do: "dns",
      fault: chance.pick(["SERVFAIL", "NXDOMAIN", "REFUSED", "silent", "empty", "slow", "none"]),
    }));
  }
  function at(): { atMs: number } {
    return { atMs: chance.int(0, stormMs) };
  }
  for (let count = chance.int(0, 25); count > 0; count--) actions.push(chance.pick(makers)());
  return actions.sort((a, b) => a.atMs - b.atMs);
}

const failures = [Code.Unavailable, Code.Unavailable, Code.DeadlineExceeded, Code.NotFound, Code.ResourceExhausted];

/** `framed`: some are answered by frame peers, which know a call by its first message, and heed no window of a megabyte. */
function drawCalls(chance: Chance, stormMs: number, framed: boolean): PlannedCall[] {
  const calls: PlannedCall[] = [];
  const perSecond = chance.pick([5, 40, 40, 80]);
  const count = Math.round((stormMs * perSecond) / 1_000);
  // A burst is many calls in one turn of the event loop.
  let burstMs = 0;
  for (let id = 0; id < count; id++) {
    if (!chance.is(0.3)) burstMs = chance.int(0, stormMs);
    const call = drawCall(chance, id, burstMs);
    const messages = Math.max(call.messages, framed ? 1 : 0);
    const responseBytes = Math.min(call.responseBytes, Math.floor(500_000 / Math.max(1, messages)));
    calls.push({ ...call, messages, responseBytes });
  }
  return calls.sort((a, b) => a.atMs - b.atMs);
}

function drawCall(chance: Chance, id: number, atMs: number): PlannedCall {
  const kind = chance.is(0.6) ? (chance.is(0.8) ? "unary" : "idempotent") : chance.pick<CallKind>(callKinds);
  const size = () => (chance.is(0.9) ? chance.pick([0, 1, 20, 1_000]) : chance.pick([16_384, 70_000, 400_000]));
  const timeoutMs = chance.is(0.85) ? (chance.is(0.9) ? chance.int(100, 4_000) : chance.pick([1, 10, 40])) : undefined;
  const streams = kind !== "unary" && kind !== "idempotent";
  return {
    id,
    atMs,
    kind,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(chance.is(0.1) ? { abortMs: chance.int(0, 600) } : {}),
    requestBytes: size(),
    responseBytes: size(),
    messages: streams ? (chance.is(0.9) ? chance.int(0, 8) : chance.int(20, 200)) : 1,
    delayMs: chance.is(0.6) ? 0 : chance.is(0.9) ? chance.int(1, 60) : chance.int(100, 2_000),
    readPauseMs: streams && chance.is(0.2) ? chance.int(1, 80) : 0,
    writePauseMs: streams && chance.is(0.2) ? chance.int(1, 80) : 0,
    ...(chance.is(0.12) ? { failCode: chance.pick(failures), failAttempts: chance.int(0, 2) } : {}),
    ...(streams && chance.is(0.1) ? { leaveAfter: chance.int(0, 5) } : {}),
    ...(streams && chance.is(0.05) ? { throwAfter: chance.int(0, 5) } : {}),
    own: callDraws(chance),
  };
}
