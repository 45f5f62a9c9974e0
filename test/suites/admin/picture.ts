import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { adminPage } from "../../../src/admin/index.ts";
import { type ColorScheme, openBrowser } from "./browser.ts";
import { Situation } from "./situation.ts";

/*
 * node --import tsx test/suites/admin/picture.ts [folder] [seconds]
 * Takes the pictures of docs/admin.md: four backends, one of which is killed, and one that drains. Needs Chromium, and
 * pngquant to make them small.
 */

const [folder = join(import.meta.dirname, "../../../docs/images"), seconds = "150"] = process.argv.slice(2);
const browser = await openBrowser();
const echo = new Situation("http://echo.default.svc.cluster.local:50051");
const idle = new Situation("http://billing.default.svc.cluster.local:50051");
const page = adminPage([echo.transport, idle.transport]);
const server = createServer(page.node).listen(0, "127.0.0.1");
try {
  const hosts = ["127.10.0.11", "127.10.0.12", "127.10.0.13", "127.10.0.14"];
  for (const host of hosts) await echo.start(host, 50051);
  echo.resolver.answer(...echo.addresses);
  for (let i = 0; i < 12; i++) echo.call(40, i % 4 === 0 ? 60 : 5);
  const { port } = server.address() as AddressInfo;
  const live = await browser.open(`http://127.0.0.1:${port}/`, { width: 1280, height: 1560 });
  const partMs = (Number(seconds) * 1_000) / 4;
  await sleep(partMs * 1.5);
  await echo.kill("127.10.0.13:50051");
  await sleep(partMs);
  await echo.start("127.10.0.15", 50051);
  for (let i = 0; i < 4; i++) echo.client.unary({ behavior: { delayMs: 120_000 } }).catch(() => undefined);
  await sleep(50);
  echo.resolver.answer("127.10.0.11:50051", "127.10.0.12:50051", "127.10.0.13:50051", "127.10.0.15:50051");
  await sleep(partMs * 1.5);
  for (const scheme of ["light", "dark"] satisfies ColorScheme[]) {
    const path = join(folder, `admin-${scheme}.png`);
    await live.picture(path, scheme);
    execFileSync("pngquant", ["--force", "--strip", "--output", path, "128", path]);
  }
} finally {
  page.close();
  server.close();
  await Promise.all([echo.close(), idle.close(), browser.close()]);
}
