import { type Arrivals, arrivalTimes } from "../arrivals.ts";
import { type BucketCounts, Histogram } from "../histogram.ts";

/** Node's timers are late by up to this: what is due sooner is waited for by turning the event loop. */
const timerSlackMs = 2;

/**
 * Makes each call when it is due, whatever became of those before it, and counts its time from then: what a busy event loop
 * or a queue holds up is seen as waiting, where clients that pace themselves by answers would just make fewer calls.
 */
export function openLoop(call: () => Promise<void>, arrivals: Arrivals): Promise<BucketCounts> {
  const latencies = new Histogram();
  const times = arrivalTimes(arrivals);
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    let open = 0;
    let next = times.next();
    const start = (dueMs: number) => {
      open++;
      call().then(() => {
        latencies.record(performance.now() - dueMs);
        if (--open === 0 && next.done) resolve(latencies.counts());
      }, reject);
    };
    const turn = () => {
      for (; !next.done; next = times.next()) {
        const dueMs = startedMs + next.value;
        const waitMs = dueMs - performance.now();
        if (waitMs > timerSlackMs) return void setTimeout(turn, waitMs - timerSlackMs);
        if (waitMs > 0) return void setImmediate(turn);
        start(dueMs);
      }
    };
    turn();
  });
}
