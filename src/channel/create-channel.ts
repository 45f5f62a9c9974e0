import { closedFailure } from "../base/errors.ts";
import { CallObserver } from "../calls/call-observer.ts";
import { OpenCalls } from "../calls/open-calls.ts";
import { AttemptedPinnedCalls } from "../calls/pinned-calls.ts";
import type { Target, TargetHistory } from "../endpoint/target.ts";
import type { Connector } from "../http2/connection.ts";
import { LazyConnector } from "../http2/lazy-connector.ts";
import { UnreadMemory } from "../http2/unread-memory.ts";
import { composeInstrumentations, type Instrumentations } from "../observe/compose-instrumentations.ts";
import { ConnectionObserver } from "../observe/connection-observer.ts";
import type { CallCounters } from "../observe/counters.ts";
import { EventBus } from "../observe/event-bus.ts";
import { debugLog, eventLog } from "../observe/event-log.ts";
import type { ChannelNames, ChannelView } from "../observe/instrumentation.ts";
import { ResolverObserver } from "../observe/resolver-observer.ts";
import { Pool } from "../pool/pool.ts";
import { MessageMemory } from "../protocol/message-memory.ts";
import type { Protocol } from "../protocol/protocol.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { backgroundHere, inBackground } from "../runtime/background.ts";
import { Late } from "../runtime/late.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Channel } from "./channel.ts";
import { callsOf } from "./channel-calls.ts";
import { type ChannelOptions, type ChannelSettings, checkChannelOptions } from "./channel-options.ts";
import type { CallContext } from "./open-call.ts";
import { PoolChannel } from "./pool-channel.ts";
import { Snapshots } from "./take-snapshot.ts";

/**
 * The composition root: everything beneath a transport is made here and handed on. Nothing is resolved or dialled before
 * the first call or `ready()`. Throws a TypeError or RangeError for a bad option.
 */
export function createChannel(options: ChannelOptions, given: Runtime, protocol: Protocol): Channel {
  const settings = checkChannelOptions(options);
  const { target, resolver, loadBalancing, engine } = settings;
  const events = eventsOf(settings);
  const instrumentations = composeInstrumentations(settings.instrumentations, events);
  const runtime = runtimeOf(given, instrumentations);
  const { clock, hold } = runtime;
  const history: TargetHistory = { everConnected: false, dials: new Set() };
  const unread = new UnreadMemory(clock);
  const connector = engineOf(settings, { history, runtime, unread });
  const channelNames = namesOf(target, resolver, protocol);
  const observer = new CallObserver(channelNames, { clock, events }, instrumentations);
  const connections = new ConnectionObserver(target.url, events);
  const lookups = new ResolverObserver(target.url, events, clock);
  const counters = { calls: observer.counters, connections: connections.counters, resolver: lookups.counters };
  const pool = poolOf(settings, { connector, history, events, runtime, connections, lookups, protocol });
  const made = callsOf(settings, { source: pool, events, runtime, counters: observer.counters, protocol });
  pool.onServiceConfig((config) => made.serviceConfig.resolved(config));
  const { calls, policies } = made;
  const { retryLimit } = made.serviceConfig;
  const requestMemory = new MessageMemory();
  const openCalls = new OpenCalls(hold);
  const context: CallContext = { calls, policies, openCalls, clock, protocol, requestMemory, observer };
  const names = {
    target: target.url,
    grpcTarget: channelNames.grpcTarget,
    protocol: protocol.name,
    resolver: resolver.name,
    loadBalancing: loadBalancing.name,
    engine: engine.name,
    engineChosenBy: engine.chosenBy,
    proxy: settings.socket.proxy?.url,
  };
  const snapshots = new Snapshots({ names, pool, openCalls: openCalls.counts, counters, retryLimit, clock });
  const detach = instrumentations?.attach(viewOf(channelNames, snapshots, observer.counters, events));
  const closed = () => {
    unread.close();
    made.closed();
    hold.close();
    if (events.active) events.publish({ type: "closed" });
    detach?.();
  };
  pool.holderWatch.watch(context, whenLetGo(pool, snapshots, closed));
  return new PoolChannel({ snapshots, context, pool, events, hold, unread, closed });
}

function eventsOf({ target, logger, unknownNames }: ChannelSettings): EventBus {
  const events = new EventBus(target.url);
  for (const listener of [logger && eventLog(logger), debugLog()]) {
    if (listener !== undefined) events.subscribe(listener);
  }
  for (const name of unknownNames) {
    if (!events.active) break;
    const message = `the option "${name}" is unknown and has no effect`;
    events.publish({ type: "hint", hint: "unknown-option", message });
  }
  return events;
}

interface EngineParts {
  readonly history: TargetHistory;
  readonly runtime: Runtime;
  readonly unread: UnreadMemory;
}

function engineOf(settings: ChannelSettings, { history, runtime, unread }: EngineParts): Connector {
  const { target, connectTimeoutMs, limits, nodeOptions, socket } = settings;
  const dial = { target, connectTimeoutMs, ...socket, runtime, history };
  return new LazyConnector(async () => {
    if (settings.engine.name === "wire") {
      const { wireEngine } = await import("../http2/wire/wire-engine.ts");
      return wireEngine(dial, limits, unread);
    }
    const { nodeEngine } = await import("../http2/node/node-engine.ts");
    return nodeEngine(dial, limits, nodeOptions);
  });
}

interface PoolParts {
  readonly connector: Connector;
  readonly history: TargetHistory;
  readonly events: EventBus;
  readonly runtime: Runtime;
  readonly connections: ConnectionObserver;
  readonly lookups: ResolverObserver;
  readonly protocol: Protocol;
}

function poolOf(settings: ChannelSettings, parts: PoolParts): Pool {
  const { connector, history, events, runtime, connections: observer, lookups, protocol } = parts;
  const { clock } = runtime;
  const { keepalive, idleConnectionTimeoutMs, reconnectBackoff, maxConnectionAgeMs } = settings;
  const { connectionsPerBackend: connections } = settings;
  const live = { keepalive, idleConnectionTimeoutMs };
  return new Pool({
    target: settings.target,
    history,
    resolver: settings.resolver,
    loadBalancing: settings.loadBalancing,
    availability: settings.availability,
    subchannel: { connector, runtime, observer, reconnectBackoff, maxConnectionAgeMs, connections, live },
    pinnedCalls: new AttemptedPinnedCalls({
      protocol: protocol.inBinary(),
      pathPrefix: settings.target.pathPrefix,
      clock,
      events,
    }),
    runtime,
    events,
    resolverObserver: lookups,
    rotationIntervalMs: settings.rotationIntervalMs,
    drainTimeoutMs: settings.drainTimeoutMs,
    maxQueuedCalls: settings.maxQueuedCalls,
    maxQueuedBytes: settings.maxQueuedBytes,
    subsetSize: settings.subsetSize,
    backendsModule: new Late(() => import("../pool/pool-backends.ts")),
    zone: settings.zone,
  });
}

/**
 * Ends a channel that nobody holds any more and nobody closed. The channel, its transport, open calls and unread responses
 * all hold the context of its calls, and nothing beneath them does: no call is open when it is collected.
 */
function whenLetGo(pool: Pool, snapshots: Snapshots, closed: () => void): () => void {
  return () => {
    snapshots.isClosed = true;
    pool.close(closedFailure("cut"), closed);
  };
}

/** It leads to no call, and not to the channel: whoever keeps it keeps neither. */
function viewOf(names: ChannelNames, snapshots: Snapshots, counters: CallCounters, events: EventBus): ChannelView {
  return {
    ...names,
    counts: () => counters.read(),
    snapshot: () => snapshots.take(),
    subscribe: (listener) => events.subscribe(listener),
  };
}

function namesOf({ url, host, port }: Target, { grpcTarget }: Resolver, { name: protocol }: Protocol): ChannelNames {
  const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return {
    target: url,
    grpcTarget: grpcTarget ?? `dns:///${authority}`,
    protocol,
    serverAddress: host,
    serverPort: port,
  };
}

/** Where instrumentation wants it, what the channel does for nobody in particular has an async context of its own. */
function runtimeOf(given: Runtime, instrumentations: Instrumentations | undefined): Runtime {
  if (instrumentations === undefined) return given;
  return { ...given, background: inBackground(() => instrumentations.background(backgroundHere)) };
}
