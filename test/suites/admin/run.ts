import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { adminPage } from "../../../src/admin/index.ts";
import { browserPath, openBrowser } from "./browser.ts";
import { channelzChecks } from "./channelz-checks.ts";
import { pageChecks } from "./page-checks.ts";
import { Situation } from "./situation.ts";

/*
 * node --import tsx test/suites/admin/run.ts
 * The admin page in a real Chromium, and channelz as grpcurl and Python's grpcio-channelz read it, while real backends come,
 * go and are lost. What cannot be had on this machine is said to be skipped.
 */

let failed = 0;
let passed = 0;

async function check(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    passed++;
    console.log(`admin, ${name}: passes`);
  } catch (error) {
    failed++;
    console.log(`admin, ${name}: FAILED\n${error instanceof Error ? error.stack : String(error)}`);
  }
}

const situation = new Situation("http://echo.test");
const page = adminPage([situation.transport], { updateIntervalMs: 250 });
const server = createServer(page.node).listen(0, "127.0.0.1");
try {
  for (let i = 0; i < 3; i++) await situation.start("127.0.0.1");
  situation.resolver.answer(...situation.addresses);
  await situation.transport.ready();
  for (let i = 0; i < 4; i++) situation.call(5);
  await channelzChecks(situation, check);
  if (browserPath() === undefined) {
    console.log("admin, the page in a browser: skipped: no Chromium is installed (apt-get install chromium)");
  } else {
    const browser = await openBrowser();
    const { port } = server.address() as AddressInfo;
    await pageChecks({ browser, situation, url: `http://127.0.0.1:${port}/` }, check);
    await browser.close();
  }
} finally {
  page.close();
  server.close();
  server.closeAllConnections();
  await situation.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
