import { checkAvailabilityOptions } from "../../src/availability/availability-options.ts";
import type { PickInfo } from "../../src/balancing/picker.ts";
import { roundRobin } from "../../src/balancing/round-robin.ts";
import type { Failure } from "../../src/base/errors.ts";
import type { MethodSpec } from "../../src/base/method-spec.ts";
import { AttemptedPinnedCalls } from "../../src/calls/pinned-calls.ts";
import type { Address } from "../../src/endpoint/address.ts";
import { parseAddress } from "../../src/endpoint/address.ts";
import { ConnectionObserver } from "../../src/observe/connection-observer.ts";
import type { Events, GlinkFact } from "../../src/observe/events.ts";
import { ResolverObserver } from "../../src/observe/resolver-observer.ts";
import type { PendingCall } from "../../src/pool/call-source.ts";
import { Pool, type PoolOptions } from "../../src/pool/pool.ts";
import * as backendsModule from "../../src/pool/pool-backends.ts";
import { grpc } from "../../src/protocol/grpc/grpc.ts";
import type { Resolver, ResolverListener } from "../../src/resolver/resolver.ts";
import { Late } from "../../src/runtime/late.ts";
import type { ProcessHold } from "../../src/runtime/process-hold.ts";
import type { Random } from "../../src/runtime/random.ts";
import type { CallConnection } from "../../src/subchannel/call-connection.ts";
import type { PinnedCalls } from "../../src/subchannel/pinned-calls.ts";
import type { Subchannel } from "../../src/subchannel/subchannel.ts";
import type { SubchannelContext } from "../../src/subchannel/subchannel-context.ts";
import { deafListener, FakeConnector, type FakeStream } from "./fake-connector.ts";
import { type ManualClock, SocketsManualClock } from "./manual-clock.ts";
import { QuietHold } from "./quiet-hold.ts";
import { constantRandom } from "./random.ts";

/** Keeps every fact. */
class RecordedEvents implements Events {
  readonly active = true;
  readonly facts: GlinkFact[] = [];

  publish(fact: GlinkFact): void {
    this.facts.push(fact);
  }

  ofType<T extends GlinkFact["type"]>(type: T): Extract<GlinkFact, { type: T }>[] {
    return this.facts.filter((fact): fact is Extract<GlinkFact, { type: T }> => fact.type === type);
  }
}

/** A resolver whose answers a test gives by hand. */
export class ManualResolver implements Resolver {
  readonly name: string;
  listener: ResolverListener | undefined;
  refreshes = 0;
  closed = false;

  constructor(name = "manual") {
    this.name = name;
  }

  watch(_target: unknown, listener: ResolverListener) {
    this.listener = listener;
    return {
      refresh: () => {
        this.refreshes++;
      },
      close: () => {
        this.closed = true;
      },
    };
  }

  /** Reports a list: "10.0.0.1", say, means port 1. */
  report(...addresses: string[]): void {
    this.listener?.onAddresses(addresses.map(addressOf));
  }
}

export function addressOf(text: string): Address {
  return parseAddress(text, 1);
}

/** Everything about subchannels that a test may set. */
export function subchannelOptions(
  connector: FakeConnector,
  clock: ManualClock,
  hold: ProcessHold,
  changes: Partial<SubchannelContext> = {},
  random: Random = constantRandom(),
): SubchannelContext {
  return {
    connector,
    runtime: { clock, random, hold },
    observer: new ConnectionObserver("http://echo.test", new RecordedEvents()),
    reconnectBackoff: { initialBackoffMs: 250, multiplier: 1.6, jitter: 0.2, maxBackoffMs: 10_000 },
    live: {
      keepalive: { pingIntervalMs: undefined, pingIdleConnection: false, pingTimeoutMs: 1_000 },
      idleConnectionTimeoutMs: Number.POSITIVE_INFINITY,
    },
    maxConnectionAgeMs: Number.POSITIVE_INFINITY,
    connections: { min: 1, max: 1 },
    ...changes,
  };
}

export interface FakePoolOptions extends Partial<Omit<PoolOptions, "subchannel" | "runtime" | "events" | "resolver">> {
  readonly subchannel?: Partial<SubchannelContext>;
  readonly random?: Random;
  readonly resolver?: Resolver;
  /** Default true: as if a call were open all the time. */
  readonly held?: boolean;
  /** Default true: every dial succeeds at once. */
  readonly connects?: boolean;
}

/** A pool on a manual clock whose turns are real, with a fake engine and a resolver in the test's hand. */
export function fakePool(options: FakePoolOptions = {}) {
  const { subchannel, random = constantRandom(), resolver, held = true, connects = true, ...rest } = options;
  const clock = new SocketsManualClock();
  const hold = new QuietHold();
  const connector = new FakeConnector();
  const events = new RecordedEvents();
  const names = new ManualResolver();
  if (connects) connector.answerWith((dial) => dial.succeed());
  if (held) hold.acquire();
  const pool = new Pool({
    target: { host: "echo.test", port: 1 },
    history: { everConnected: false, dials: new Set() },
    resolver: resolver ?? names,
    loadBalancing: roundRobin(),
    rotationIntervalMs: Number.POSITIVE_INFINITY,
    drainTimeoutMs: Number.POSITIVE_INFINITY,
    maxQueuedCalls: 1_000,
    maxQueuedBytes: Number.POSITIVE_INFINITY,
    subsetSize: Number.POSITIVE_INFINITY,
    backendsModule: new Late(async () => backendsModule, backendsModule),
    zone: undefined,
    availability: checkAvailabilityOptions({ outlierDetection: false }),
    pinnedCalls: pinnedCallsOn(clock, events),
    ...rest,
    subchannel: {
      ...subchannelOptions(connector, clock, hold, subchannel, random),
      observer: new ConnectionObserver("http://echo.test", events),
    },
    runtime: { clock, random, hold },
    events,
    resolverObserver: new ResolverObserver("http://echo.test", events, clock),
  });
  const close = () => {
    pool.close(
      { kind: "closed", code: 1, progress: "unknown", message: "the transport was closed" } satisfies Failure,
      () => undefined,
    );
    hold.close();
  };
  return { pool, clock, hold, connector, events, resolver: names, close };
}

/** Pinned calls as a channel makes them. */
export function pinnedCallsOn(clock: ManualClock, events: Events): PinnedCalls {
  return new AttemptedPinnedCalls({ protocol: grpc, pathPrefix: "", clock, events });
}

const unaryMethod: MethodSpec = {
  service: "glink.demo.v1.EchoService",
  name: "Unary",
  singleRequest: true,
  singleResponse: true,
  idempotency: "unknown",
};

export const pickInfo: PickInfo = {
  method: unaryMethod,
  metadata: [],
  contextValues: undefined,
  attempt: 1,
  tried: [],
};

/** Dials a successor of its eldest connection. */
export function renewEldest(subchannel: Subchannel | undefined, done: (replaced: boolean) => void = () => undefined) {
  const eldest = subchannel?.connections[0];
  if (subchannel === undefined || eldest === undefined) throw new Error("there is no connection to renew");
  subchannel.renew(eldest, done);
}

/** A call that only wants a backend, and says what became of it. */
export class TestCall implements PendingCall {
  readonly pickInfo: PickInfo;
  readonly waitForReady: boolean;
  readonly requestBytes: number;
  readonly #pool: Pool;
  /** Set once it was picked for. */
  backend: string | undefined;
  stream: FakeStream | undefined;
  failure: Failure | undefined;

  constructor(
    pool: Pool,
    {
      waitForReady = false,
      requestBytes = 0,
      ...info
    }: Partial<PickInfo> & { waitForReady?: boolean; requestBytes?: number } = {},
  ) {
    this.#pool = pool;
    this.waitForReady = waitForReady;
    this.requestBytes = requestBytes;
    this.pickInfo = { ...pickInfo, ...info };
  }

  start(): this {
    this.#pool.dispatch(this);
    return this;
  }

  get waits(): boolean {
    return this.backend === undefined && this.failure === undefined;
  }

  onPicked(connection: CallConnection): void {
    const stream = connection.request({ path: "/x", fields: [] }, [], undefined, deafListener);
    if (stream === undefined) {
      this.start();
      return;
    }
    this.backend = connection.address;
    this.stream = stream as FakeStream;
  }

  onPickFailed(failure: Failure): void {
    this.failure = failure;
  }
}

/** Where `count` calls go, each ended at once. */
export function callsTo(pool: Pool, count: number): Map<string, number> {
  const served = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const call = new TestCall(pool).start();
    const where = call.backend ?? call.failure?.kind ?? "queue";
    served.set(where, (served.get(where) ?? 0) + 1);
    call.stream?.finish();
  }
  return served;
}
