// Starts two backends and the service, calls it, and stops it while it answers.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "greeter/backends";
import { startService } from "greeter/service";

const backends = await startBackends("127.0.0.1:0", "127.0.0.1:0");
const service = await startService(["server.js"], { GREETER_ADDRESSES: backends.addresses.join() });

const servedBy = new Set();
for (let i = 0; i < 20; i++) servedBy.add((await (await fetch(`${service.url}/greet/world`)).json()).servedBy);
assert.deepEqual([...servedBy].sort(), [...backends.addresses].sort());
console.log("calls are spread over", servedBy.size, "backends");

const late = await fetch(`${service.url}/greet/slow?timeoutMs=200`);
assert.equal(late.status, 504);
console.log("a slow backend is status 504:", (await late.json()).error);

/** The Connect route, by HTTP and JSON: curl could do it. */
const answer = fetch(`${service.url}/examples.greet.v1.Greeter/Greet`, {
  method: "POST",
  headers: { "content-type": "application/json", "connect-timeout-ms": "3000" },
  body: JSON.stringify({ name: "slow" }),
}).then((response) => response.json());
await sleep(300);
const code = await service.stop();
const { greeting, timeLeftMs } = await answer;
assert.equal(greeting, "hello slow");
assert.ok(timeLeftMs > 0 && timeLeftMs <= 3_000);
assert.equal(code, 0);
console.log("SIGTERM: the open request was answered, then the transport was closed, exit code", code);

await backends.close();
