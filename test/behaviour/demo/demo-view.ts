import type { Backend } from "../../../demo/fleet.ts";
import type { View } from "../../../demo/live-view.ts";
import { CallStatistics } from "../../../demo/statistics.ts";
import type { PastPhase, Phase } from "../../../demo/timeline.ts";

const titles = ["start with 3", "scale up to 5", "kill one", "rolling restart", "freeze one", "scale down to 2"];

/** In its second phase: glink and grpc-js call all backends, createGrpcTransport one, and seven of its calls failed. */
export function demoView(backendCount: number): View {
  const nowMs = Date.now();
  const backends = Array.from({ length: backendCount }, (_, i) => backendAt(`127.0.0.${i + 2}`));
  const phases = titles.map(
    (title): Phase => ({ title, story: `what happens in ${title}`, change: async () => undefined }),
  );
  const first: PastPhase = {
    phase: phases[0] as Phase,
    period: { fromMs: nowMs - 20_000, toMs: nowMs - 10_000 },
    settled: { fromMs: nowMs - 15_000, toMs: nowMs - 10_000 },
    backends,
    added: backends,
  };
  const everyBackend = backends.flatMap(({ address }) => Array<string>(10).fill(address));
  const one = Array<string>(40).fill(backends[0]?.address ?? "");
  return {
    elapsedMs: 12_345,
    phases,
    past: [first],
    running: { phase: phases[1] as Phase, fromMs: nowMs - 10_000 },
    backends,
    statistics: {
      glink: statistics(everyBackend, 0, nowMs),
      createGrpcTransport: statistics(one, 7, nowMs),
      "grpc-js": statistics(everyBackend, 0, nowMs),
    },
  };
}

function backendAt(host: string): Backend {
  const place = { address: `${host}:50051`, host, port: 50_051, label: host };
  return { ...place, library: "grpc-js", state: "serving", process: undefined as never, listedAtMs: 0 };
}

/** What one client reported lately: an answer of each of these backends, and failed calls. */
function statistics(answers: readonly string[], failed: number, nowMs: number): CallStatistics {
  const result = new CallStatistics();
  const call = { endedAtMs: nowMs - 500, durationMs: 1 };
  const calls = [
    ...answers.map((backend) => ({ ...call, backend, error: undefined })),
    ...Array.from({ length: failed }, () => ({ ...call, backend: undefined, error: "failed" })),
  ];
  result.add({ type: "report", calls, pool: {}, retries: 0, crashes: 0 });
  return result;
}
