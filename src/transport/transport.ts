import { closedFailure } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { CallObserver } from "../calls/call-observer.ts";
import { OpenCalls } from "../calls/open-calls.ts";
import { ReplayMemory } from "../calls/retry/replay-memory.ts";
import { RetryBudget } from "../calls/retry/retry-budget.ts";
import { retryDefaults } from "../calls/retry/retry-options.ts";
import { RetryingCalls } from "../calls/retrying-calls.ts";
import type { GlinkTransportOptions } from "../channel/options.ts";
import { dialOptionsOf, resolveOptions } from "../channel/resolve-options.ts";
import type { TargetHistory } from "../endpoint/target.ts";
import { PacedConnector } from "../http2/dial/paced-connector.ts";
import { TlsSessions } from "../http2/dial/tls-sessions.ts";
import { NodeHttp2Connector } from "../http2/node/node-connector.ts";
import { WireConnector } from "../http2/wire/wire-connector.ts";
import { composeInstrumentations } from "../observe/compose-instrumentations.ts";
import { EventBus } from "../observe/event-bus.ts";
import { debugLog, eventLog } from "../observe/event-log.ts";
import type { Instrumentation } from "../observe/instrumentation.ts";
import { Pool } from "../pool/pool.ts";
import { grpc } from "../protocol/grpc/grpc.ts";
import { MessageMemory } from "../protocol/message-memory.ts";
import { systemClock } from "../runtime/clock.ts";
import { systemHold } from "../runtime/process-hold.ts";
import { systemRandom } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { Codec } from "./codec.ts";
import type { CallEnvironment } from "./environment.ts";
import { InterceptedCalls } from "./interceptors/intercepted.ts";
import { TurnQuota } from "./messages/turn-quota.ts";
import { type GlinkTransport, PooledTransport } from "./pooled-transport.ts";

/**
 * Creates a Transport that spreads calls over all backends of `baseUrl`. Replaces connect-node's createGrpcTransport.
 *
 * Nothing is resolved or dialled before the first call or `ready()`. Throws a TypeError or RangeError for a bad option.
 */
export function glinkTransport(options: GlinkTransportOptions): GlinkTransport {
  return assemble(options, { clock: systemClock(), random: systemRandom(), hold: systemHold() });
}

/** The composition root: everything is made here and handed on. */
export function assemble(
  given: GlinkTransportOptions,
  runtime: Runtime,
  instrumentations: readonly Instrumentation[] = [],
): GlinkTransport {
  const options = resolveOptions(given);
  const { target, retry } = options;
  const { clock } = runtime;
  const events = new EventBus(target.url);
  for (const listener of [options.logger && eventLog(options.logger), debugLog()]) {
    if (listener !== undefined) events.subscribe(listener);
  }
  for (const name of options.unknownNames) {
    if (!events.active) break;
    const message = `the option "${name}" is unknown and has no effect`;
    events.publish({ type: "hint", hint: "unknown-option", message });
  }
  const history: TargetHistory = { everConnected: false, dials: new Set() };
  const Engine = options.engine.name === "wire" ? WireConnector : NodeHttp2Connector;
  const engine = new Engine(
    { ...dialOptionsOf(options, target), tlsSessions: new TlsSessions(), runtime, history },
    options.limits,
  );
  const pool = new Pool({
    target,
    history,
    resolver: options.resolver,
    loadBalancing: options.loadBalancing,
    subchannel: {
      connector: new PacedConnector(engine, clock),
      runtime,
      reconnectBackoff: options.reconnectBackoff,
      maxConnectionAgeMs: options.maxConnectionAgeMs,
      live: { keepalive: options.keepalive, idleConnectionTimeoutMs: options.idleConnectionTimeoutMs },
    },
    runtime,
    events,
    rotationIntervalMs: options.rotationIntervalMs,
    drainTimeoutMs: options.drainTimeoutMs,
    maxQueuedCalls: options.maxQueuedCalls,
  });
  // A call may ask for retries where the transport has none: the default budget is for those.
  const { budget: budgetOptions, bufferTotalMaxBytes } = retry === false ? retryDefaults : retry;
  const budget = budgetOptions === false ? undefined : new RetryBudget(budgetOptions, clock);
  const { readMaxBytes } = options;
  const limits = { readMaxBytes, messageMemory: new MessageMemory() };
  const observer = new CallObserver(target.url, clock, composeInstrumentations(instrumentations, events));
  const { counters } = observer;
  const attempt = { source: pool, protocol: grpc, limits, clock, events, counters };
  const replayMemory = new ReplayMemory(bufferTotalMaxBytes);
  const { waitForReady } = options;
  const calls = new RetryingCalls({ attempt, random: runtime.random, budget, replayMemory }, { retry, waitForReady });
  const environment: CallEnvironment = {
    codec: new Codec({ ...options, userAgent: `glink/${version}`, protocol: grpc }),
    calls,
    observer,
    openCalls: new OpenCalls(runtime.hold),
    clock,
    turnQuota: new TurnQuota(clock),
    abandonedStreams: new FinalizationRegistry((call) => call.abandoned()),
  };
  pool.holderWatch.watch(environment, whenLetGo(pool, runtime, events));
  const { interceptors } = options;
  const intercepted = interceptors.length === 0 ? undefined : new InterceptedCalls(environment, interceptors);
  return new PooledTransport(options, environment, intercepted, pool, runtime, events);
}

/**
 * Ends a transport that nobody holds any more and nobody closed. The transport, its client, open calls and unread
 * responses all hold its environment, and nothing beneath them does: no call is open when it is collected.
 */
function whenLetGo(pool: Pool, { hold }: Runtime, events: EventBus): () => void {
  return () =>
    pool.close(closedFailure("cut"), () => {
      hold.close();
      if (events.active) events.publish({ type: "closed" });
    });
}
