import { setTimeout as sleep } from "node:timers/promises";
import { ownConfig, tellParent } from "../../../demo/processes.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../../proto/gen/grpc/health/v1/health_pb.js";
import { serverIdentity } from "../../support/certificates.ts";
import { type GracefulEchoBackend, startConnectEcho, startGrpcJsEcho } from "../../support/echo-server.ts";
import type { FromHost, HostConfig, ServeRequest, ToHost } from "./messages.ts";

// A process of servers of one library: as many at a time as a round has, each told to end as servers end.

const { library } = ownConfig<HostConfig>();
// What chaos does to servers is not what is examined here.
process.on("uncaughtException", () => undefined);

interface Hosted {
  readonly backend: GracefulEchoBackend;
  isServing: boolean;
}

/** By their number in the round. What was drained counts on under its number. */
const hosted = new Map<number, Hosted>();
const former = new Map<number, GracefulEchoBackend[]>();

process.on("message", (message: ToHost) => {
  if (message.type === "serve") void serve(message);
  else if (message.type === "drain") drain(message.id);
  else if (message.type === "health") setServing(message.id, message.serving);
  else if (message.type === "count") void count(message.id);
  else void clear();
});
await tellParent<FromHost>({ type: "hosting" });

async function serve({ id, tls, maxStreams }: ServeRequest): Promise<void> {
  const one: { isServing: boolean; backend?: GracefulEchoBackend } = { isServing: true };
  const options = {
    ...(tls ? { tls: serverIdentity } : {}),
    ...(maxStreams === undefined ? {} : { maxConcurrentStreams: maxStreams }),
  };
  one.backend =
    library === "grpc-js"
      ? await startGrpcJsEcho(options)
      : await startConnectEcho({
          ...options,
          routes: (router) =>
            router.service(Health, {
              check: () => ({ status: statusOf(one) }),
              async *watch(_, { signal }) {
                for (let told: Status | undefined; !signal.aborted; ) {
                  if (told !== statusOf(one)) {
                    told = statusOf(one);
                    yield { status: told };
                  }
                  await sleep(50);
                }
              },
            }),
        });
  hosted.set(id, one as Hosted);
  await tellParent<FromHost>({ type: "serving", id, port: one.backend.port });
}

function statusOf({ isServing }: { readonly isServing: boolean }): Status {
  return isServing ? Status.SERVING : Status.NOT_SERVING;
}

/** A graceful end. Open calls go on; the process forgets about the server, but for its counts. */
function drain(id: number): void {
  const backend = hosted.get(id)?.backend;
  if (backend === undefined) return;
  hosted.delete(id);
  former.set(id, [...(former.get(id) ?? []), backend]);
  void backend.shutDownGracefully();
}

function setServing(id: number, serving: boolean): void {
  const one = hosted.get(id);
  if (one !== undefined) one.isServing = serving;
}

function backendsOf(id: number): GracefulEchoBackend[] {
  const now = hosted.get(id)?.backend;
  return [...(former.get(id) ?? []), ...(now === undefined ? [] : [now])];
}

async function count(id: number): Promise<void> {
  const executions: Record<string, number> = {};
  for (const { counters } of backendsOf(id)) {
    for (const [requestId, times] of counters.byRequestId) executions[requestId] = (executions[requestId] ?? 0) + times;
  }
  await tellParent<FromHost>({ type: "counted", id, isServing: hosted.has(id), executions });
}

async function clear(): Promise<void> {
  const all = [...hosted.keys(), ...former.keys()].flatMap(backendsOf);
  hosted.clear();
  former.clear();
  await Promise.all(all.map((backend) => backend.close()));
  await tellParent<FromHost>({ type: "cleared" });
}
