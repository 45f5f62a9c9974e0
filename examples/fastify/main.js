// Starts two backends and the service, calls it, and stops it while it answers.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "greeter/backends";
import { startService } from "greeter/service";

const backends = await startBackends("127.0.0.1:0", "127.0.0.1:0");
const service = await startService(["server.js"], { GREETER_ADDRESSES: backends.addresses.join() });

/** The Connect protocol is HTTP and JSON: curl could do it. */
async function greet(name, timeoutMs) {
  const response = await fetch(`${service.url}/examples.greet.v1.Greeter/Greet`, {
    method: "POST",
    headers: { "content-type": "application/json", "connect-timeout-ms": `${timeoutMs}` },
    body: JSON.stringify({ name }),
  });
  return response.json();
}

assert.equal((await fetch(`${service.url}/health`)).status, 200);

const servedBy = new Set();
for (let i = 0; i < 20; i++) {
  const answer = await greet("world", 3_000);
  servedBy.add(answer.servedBy);
  assert.ok(answer.timeLeftMs > 0 && answer.timeLeftMs <= 3_000);
}
assert.deepEqual([...servedBy].sort(), [...backends.addresses].sort());
console.log("calls are spread over", servedBy.size, "backends, which know what is left of the caller's deadline");

assert.equal((await greet("slow", 200)).code, "deadline_exceeded");
console.log("a call whose time is over ends here and at the backend");

const answer = greet("slow", 5_000);
await sleep(300);
const code = await service.stop();
assert.equal((await answer).greeting, "hello slow");
assert.equal(code, 0);
console.log("SIGTERM: the open request was answered, then the transport was closed, exit code", code);

await backends.close();
