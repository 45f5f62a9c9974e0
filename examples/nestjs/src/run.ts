// Starts two backends and the application, calls it, takes the backends away, and stops it while it answers.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "greeter/backends";
import { startService } from "greeter/service";

const backends = await startBackends("127.0.0.1:0", "127.0.0.1:0");
const service = await startService(["--import", "tsx", "src/main.ts"], {
  GREETER_ADDRESSES: backends.addresses.join(),
});
const get = async (path: string) => {
  const response = await fetch(service.url + path);
  return { status: response.status, body: await response.json() };
};

const health = await get("/health");
assert.deepEqual([health.status, health.body.info.greeter.status], [200, "up"]);

const servedBy = new Set<string>();
for (let i = 0; i < 20; i++) servedBy.add((await get("/greet/world")).body.servedBy);
assert.deepEqual([...servedBy].sort(), [...backends.addresses].sort());
console.log("calls are spread over", servedBy.size, "backends");

const answer = get("/greet/slow");
await sleep(300);
const code = await service.stop();
assert.equal((await answer).body.greeting, "hello slow");
console.log("SIGTERM: the open request was answered, then the transport was closed, exit code", code);

await backends.close();
const alone = await startService(["--import", "tsx", "src/main.ts"], {
  GREETER_ADDRESSES: backends.addresses.join(),
});
const sick = await fetch(`${alone.url}/health`);
assert.equal(sick.status, 503);
console.log("without a backend the health check is", sick.status, (await sick.json()).error.greeter.message);
await alone.stop();
