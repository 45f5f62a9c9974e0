// Four workers with a transport each, over three backends.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { startBackends } from "greeter/backends";

const backends = await startBackends("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0");
const workers = Array.from(
  { length: 4 },
  () => new Worker(new URL("worker.js", import.meta.url), { workerData: { addresses: backends.addresses } }),
);

const callsPerWorker = 60;
const servedBy = new Map();

async function work(worker) {
  for (let id = 0; id < callsPerWorker; id++) {
    worker.postMessage({ id, name: "world" });
    const [answer] = await once(worker, "message");
    assert.equal(answer.error, undefined);
    servedBy.set(answer.servedBy, (servedBy.get(answer.servedBy) ?? 0) + 1);
  }
  const exited = once(worker, "exit");
  worker.postMessage("stop");
  assert.deepEqual(await exited, [0]);
}

await Promise.all(workers.map(work));
console.log(`${workers.length} workers, calls at each backend:`, Object.fromEntries(servedBy));
assert.equal(servedBy.size, 3);

await backends.close();
