import { Codec } from "./call/codec.ts";
import type { CallEnvironment } from "./call/environment.ts";
import { InterceptedCalls } from "./call/intercepted.ts";
import { MessageMemory } from "./call/message-memory.ts";
import { OpenCalls } from "./call/open-calls.ts";
import { retryDefaults } from "./call/retry-options.ts";
import { TurnQuota } from "./call/turn-quota.ts";
import { closedFailure } from "./errors.ts";
import { NodeHttp2Connector } from "./http2/node-http2.ts";
import { PacedConnector } from "./http2/paced-connector.ts";
import { TlsSessions } from "./http2/tls-sessions.ts";
import { WireConnector } from "./http2/wire/wire-connector.ts";
import type { GlinkTransportOptions } from "./options.ts";
import { Pool } from "./pool/pool.ts";
import { type GlinkTransport, PooledTransport } from "./pooled-transport.ts";
import { dialOptionsOf, resolveOptions } from "./resolve-options.ts";
import { ReplayMemory } from "./retry/replay-memory.ts";
import { RetryBudget } from "./retry/retry-budget.ts";
import { RetryInterceptor } from "./retry/retry-interceptor.ts";
import { systemClock } from "./runtime/clock.ts";
import { systemHold } from "./runtime/process-hold.ts";
import { systemRandom } from "./runtime/random.ts";
import type { Runtime } from "./runtime/runtime.ts";
import type { TargetHistory } from "./target.ts";
import { EventBus } from "./telemetry/event-bus.ts";
import { debugLog, eventLog } from "./telemetry/event-log.ts";
import { version } from "./version.ts";

/**
 * Creates a Transport that spreads calls over all backends of `baseUrl`. Replaces connect-node's createGrpcTransport.
 *
 * Nothing is resolved or dialled before the first call or `ready()`. Throws a TypeError or RangeError for a bad option.
 */
export function glinkTransport(options: GlinkTransportOptions): GlinkTransport {
  return assemble(options, { clock: systemClock(), random: systemRandom(), hold: systemHold() });
}

/** The composition root: everything is made here and handed on. */
export function assemble(given: GlinkTransportOptions, runtime: Runtime): GlinkTransport {
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
  const { budget: limits, bufferTotalMaxBytes } = retry === false ? retryDefaults : retry;
  const budget = limits === false ? undefined : new RetryBudget(limits, clock);
  const { readMaxBytes } = options;
  const attempt = { pool, clock, readMaxBytes, messageMemory: new MessageMemory() };
  const replayMemory = new ReplayMemory(bufferTotalMaxBytes);
  const calls = new RetryInterceptor({ attempt, runtime, events, budget, replayMemory }, retry, options.waitForReady);
  const environment: CallEnvironment = {
    codec: new Codec({ ...options, userAgent: `glink/${version}` }),
    calls,
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
