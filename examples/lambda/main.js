// Calls the function, freezes its process, replaces all backends meanwhile, thaws it and calls again.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "greeter/backends";

if (process.platform === "win32") {
  console.log("skipped: Windows cannot freeze a process by a signal");
  process.exit();
}

let backends = await startBackends("127.0.0.1:0", "127.0.0.1:0");
const { addresses } = backends;
const env = { ...process.env, GREETER_URL: "http://greeter.test", GREETER_ADDRESSES: addresses.join() };
const lambda = fork("runtime.js", { env });

let events = 0;
async function invoke(name) {
  const id = ++events;
  lambda.send({ id, event: { name }, timeoutMs: 6_000 });
  const [answer] = await once(lambda, "message");
  assert.deepEqual(answer, { id, result: { statusCode: 200, body: `hello ${name}` } });
}

await invoke("cold start");

lambda.kill("SIGSTOP");
console.log("frozen; all backends are replaced by others at their addresses");
await backends.close();
backends = await startBackends(...addresses);
await sleep(1_500);
lambda.kill("SIGCONT");

const thawedMs = performance.now();
await invoke("after the thaw");
console.log(`thawed: the first call was answered after ${Math.round(performance.now() - thawedMs)} ms`);
for (let i = 0; i < 20; i++) await invoke(`call ${i}`);

lambda.disconnect();
lambda.kill("SIGTERM");
await once(lambda, "exit");
await backends.close();
console.log(events, "calls, none failed");
