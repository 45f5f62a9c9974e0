import { Code } from "@connectrpc/connect";
import type { Failure, FailureKind } from "../base/errors.ts";
import type { Events } from "../observe/events.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Backend } from "../subchannel/backend.ts";
import { LastingStream } from "../subchannel/lasting-stream.ts";
import type { Health, LiveConnection } from "../subchannel/live-connection.ts";
import type { PinnedCalls } from "../subchannel/pinned-calls.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import { decodeHealthResponse, encodeHealthRequest, healthWatch, type ServingStatus } from "./health-protocol.ts";
import { LastWord } from "./last-word.ts";

/** Whom backends are asked for. */
export interface HealthCheckOptions {
  /** The name that servers know the service by; `""` for the server as a whole. */
  readonly service: string;
}

/** What health is asked with. */
export interface HealthChecksContext {
  readonly pinnedCalls: PinnedCalls;
  readonly runtime: Runtime;
  readonly events: Events;
}

/** Told of backends whose health has changed. */
export interface HealthChecksListener {
  onChanged(subchannel: Subchannel): void;
}

/** One connection that is asked. */
interface Check {
  readonly stream: LastingStream;
  readonly word: LastWord<ServingStatus>;
  readonly timer: TimerHandle;
}

/** What is known of a backend, and since when. */
interface Known {
  readonly connections: Set<LiveConnection>;
  health: Health;
  sinceMs: number;
}

/** A server that does not say anything for so long is taken for unhealthy. */
const answerTimeoutMs = 10_000;

/** How a stream ends that the server, or who stands before it, has ended. What a lost connection means is not decided here. */
const answered: ReadonlySet<FailureKind> = new Set([
  "status",
  "http-status",
  "protocol",
  "stream-reset",
  "message-size",
]);

/**
 * Asks each connection for the health of its backend, by `grpc.health.v1.Health/Watch` (gRFC A17). Until it has said that
 * it serves it gets no calls; a successor of a connection is taken for what that was until it has said something.
 */
export class HealthChecks {
  readonly #message: Uint8Array;
  readonly #context: HealthChecksContext;
  readonly #listener: HealthChecksListener;
  readonly #checks = new Map<LiveConnection, Check>();
  readonly #known = new Map<Backend, Known>();
  #hinted = false;

  constructor({ service }: HealthCheckOptions, context: HealthChecksContext, listener: HealthChecksListener) {
    this.#message = encodeHealthRequest(service);
    this.#context = context;
    this.#listener = listener;
  }

  /** Whether it is connected and has not said yet whether it serves. */
  isAwaited(backend: Backend): boolean {
    return this.#known.get(backend)?.health === "unknown";
  }

  /** Since when it is unhealthy, in clock time; undefined: it is not. */
  unhealthySinceMs(backend: Backend): number | undefined {
    const known = this.#known.get(backend);
    return known?.health === "unhealthy" ? known.sinceMs : undefined;
  }

  /** A connection came into service. */
  entered(subchannel: Subchannel, live: LiveConnection, elder: LiveConnection | undefined): void {
    const { pinnedCalls, runtime } = this.#context;
    live.health = elder?.health ?? "unknown";
    const request = { method: healthWatch, message: this.#message };
    const word = new LastWord<ServingStatus>(runtime.clock, (status) =>
      this.#learn(subchannel, live, status === "SERVING" ? "healthy" : "unhealthy", status),
    );
    const stream = new LastingStream(pinnedCalls, { backend: subchannel, connections: [live] }, request, {
      runtime,
      listener: {
        onMessage: (payload) => word.say(decodeHealthResponse(payload)),
        onInterrupted: (failure) => {
          word.takeBack();
          this.#interrupted(subchannel, live, failure);
        },
        onUnimplemented: () => {
          const { id } = subchannel;
          this.#hint(`${id} has no grpc.health.v1.Health service: backends without it count as healthy`);
          this.#learn(subchannel, live, "healthy", "");
        },
      },
    });
    const timer = runtime.clock.setTimeout(() => {
      if (live.health === "unknown") this.#learn(subchannel, live, "unhealthy", "no answer");
    }, answerTimeoutMs);
    this.#checks.set(live, { stream, word, timer });
    this.#of(subchannel).connections.add(live);
    this.#review(subchannel, "");
    stream.start();
  }

  /** A connection is out of service. */
  left(subchannel: Subchannel, live: LiveConnection): void {
    this.#stop(live);
    const known = this.#of(subchannel);
    known.connections.delete(live);
    if (known.connections.size === 0) this.#known.delete(subchannel);
    else this.#review(subchannel, "another connection left");
  }

  close(): void {
    for (const live of [...this.#checks.keys()]) this.#stop(live);
    this.#known.clear();
  }

  #of(subchannel: Subchannel): Known {
    let known = this.#known.get(subchannel);
    if (known === undefined) {
      known = { connections: new Set(), health: "unknown", sinceMs: this.#context.runtime.clock.now() };
      this.#known.set(subchannel, known);
    }
    return known;
  }

  #stop(live: LiveConnection): void {
    const check = this.#checks.get(live);
    if (check === undefined) return;
    this.#checks.delete(live);
    this.#context.runtime.clock.clearTimeout(check.timer);
    check.word.takeBack();
    check.stream.stop();
  }

  #interrupted(subchannel: Subchannel, live: LiveConnection, failure: Failure | undefined): void {
    if (failure?.kind === "no-streams") {
      this.#hint(`${subchannel.id} is not asked for its health, and counts as healthy: ${failure.message}`);
      this.#learn(subchannel, live, "healthy", "");
      return;
    }
    if (failure !== undefined && !answered.has(failure.kind)) return;
    const how = failure === undefined ? "OK" : Code[failure.code];
    this.#learn(subchannel, live, "unhealthy", `the health check ended with ${how}`);
  }

  #learn(subchannel: Subchannel, live: LiveConnection, health: Health, reason: string): void {
    live.health = health;
    this.#review(subchannel, reason);
  }

  /** Tells what has become of the backend, if that is another thing than before. */
  #review(subchannel: Subchannel, reason: string): void {
    const { id: address } = subchannel;
    const known = this.#of(subchannel);
    const { health: before, sinceMs } = known;
    const health = healthOf(known.connections);
    if (before === health) return;
    const nowMs = this.#context.runtime.clock.now();
    known.health = health;
    known.sinceMs = nowMs;
    const { events } = this.#context;
    if (events.active && health === "unhealthy") events.publish({ type: "backend-unhealthy", address, reason });
    if (events.active && before === "unhealthy" && health === "healthy") {
      events.publish({ type: "backend-healthy", address, unhealthyMs: Math.round(nowMs - sinceMs) });
    }
    this.#listener.onChanged(subchannel);
  }

  /** Once: what one server cannot say, others of its kind cannot. */
  #hint(message: string): void {
    const { events } = this.#context;
    if (this.#hinted || !events.active) return;
    this.#hinted = true;
    events.publish({ type: "hint", hint: "no-health-service", message });
  }
}

/** That of the best connection. */
function healthOf(connections: Iterable<LiveConnection>): Health {
  let best: Health = "unhealthy";
  for (const { health } of connections) {
    if (health === "healthy") return health;
    if (health === "unknown") best = health;
  }
  return best;
}
