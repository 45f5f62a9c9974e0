import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminPage } from "../../../src/admin/index.ts";
import { glinkTransport, staticResolver } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { packPackage } from "../../support/packed-package.ts";
import { TmuxTerminal } from "./tmux.ts";

/*
 * node --import tsx test/suites/cli/run.ts
 * The command glink, as it is packed, in a real terminal: sizes, colours, pipes, Ctrl-C and Ctrl-Z. Needs tmux.
 */

if (spawnSync("tmux", ["-V"]).status !== 0) {
  console.log("npx glink in a terminal: skipped: tmux is not installed (apt-get install tmux)");
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), "glink-cli-"));
packPackage(folder);
const command = `node ${join(import.meta.dirname, "../../../dist/cli.js")}`;
const backends = await Promise.all([startConnectEcho(), startConnectEcho()]);
const [good = ""] = backends.map(({ address }) => address);
const transport = glinkTransport({
  baseUrl: "http://echo.test",
  resolver: staticResolver([...backends.map(({ address }) => address), "127.0.0.1:1"]),
});
await transport.ready();
const page = adminPage([transport], { updateIntervalMs: 250 });
const server = createServer(page.node).listen(0, "127.0.0.1");
await once(server, "listening");
const admin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

let failed = 0;

async function check(name: string, size: readonly [number, number], work: (terminal: TmuxTerminal) => Promise<void>) {
  const terminal = new TmuxTerminal(...size);
  try {
    await terminal.shows(([line]) => line?.startsWith("$") === true);
    await work(terminal);
    console.log(`npx glink in a terminal, ${name}: passes`);
  } catch (error) {
    failed++;
    console.log(`npx glink in a terminal, ${name}: FAILED\n${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    terminal.close();
  }
}

const hasTable = (lines: string[]) => lines.filter((line) => / ready /.test(line)).length >= 2;

for (const [columns, rows] of [
  [80, 24],
  [60, 20],
] as const) {
  await check(
    `watch at ${columns}×${rows} fills it, and Ctrl-C leaves it as it was`,
    [columns, rows],
    async (terminal) => {
      terminal.type("echo before");
      await terminal.shows((lines) => lines.includes("before"));
      terminal.type(`${command} watch --admin ${admin}`);
      const lines = await terminal.shows((shown) => hasTable(shown) && shown.some((line) => / failing /.test(line)));
      const heading = lines.find((line) => line.startsWith("ADDRESS"));
      assert.equal(heading?.length, columns, lines.join("\n"));
      assert.match(heading, /FAILED$/);
      assert.deepEqual([terminal.flag("alternate_on"), terminal.flag("cursor_flag")], ["1", "0"]);
      terminal.press("C-c");
      terminal.type("echo ended with $?");
      const after = await terminal.shows((shown) => shown.some((line) => /ended with \d/.test(line)));
      assert.ok(after.some((line) => line.endsWith("ended with 0")) && after.includes("before"), after.join("\n"));
      assert.ok(!after.some((line) => line.startsWith("ADDRESS")));
      assert.deepEqual(
        ["alternate_on", "cursor_flag", "wrap_flag"].map((name) => terminal.flag(name)),
        ["0", "1", "1"],
      );
    },
  );
}

await check("watch follows the terminal's size, Ctrl-Z leaves it and fg comes back", [80, 24], async (terminal) => {
  terminal.type(`${command} watch --admin ${admin}`);
  await terminal.shows(hasTable);
  terminal.resize(64, 12);
  await terminal.shows((lines) => lines.find((line) => line.startsWith("ADDRESS"))?.length === 64);
  terminal.resize(100, 30);
  await terminal.shows((lines) => lines.find((line) => line.startsWith("ADDRESS"))?.length === 100);
  terminal.press("C-z");
  await terminal.shows((lines) => !lines.some((line) => line.startsWith("ADDRESS")));
  assert.deepEqual([terminal.flag("alternate_on"), terminal.flag("cursor_flag")], ["0", "1"]);
  terminal.type("fg");
  await terminal.shows(hasTable);
  terminal.press("C-c");
  await terminal.shows((lines) => !hasTable(lines));
});

await check("watch of a pool of its own", [80, 24], async (terminal) => {
  terminal.type(`${command} watch http://${good}`);
  await terminal.shows((lines) => lines.some((line) => line.startsWith(good) && / ready /.test(line)));
  terminal.press("C-c");
});

await check("check has colours, NO_COLOR and pipes have none", [80, 24], async (terminal) => {
  const isDone = (lines: string[]) => lines.some((line) => line.includes("all is well"));
  terminal.type(`${command} check http://${good}`);
  assert.ok((await terminal.shows(isDone, true)).join("\n").includes("\u001b[32m"));
  for (const quiet of [`NO_COLOR=1 ${command} check http://${good}`, `${command} check http://${good} | cat`]) {
    terminal.type(`clear; ${quiet}`);
    const lines = await terminal.shows((shown) => shown.length < 8 && isDone(shown), true);
    assert.ok(!lines.join("\n").includes("\u001b"), lines.join("\n"));
  }
});

await check("check wraps at 60 columns between words", [60, 20], async (terminal) => {
  terminal.type(`clear; ${command} check http://127.0.0.1:1`);
  const lines = await terminal.shows((shown) => shown.some((line) => line.includes("no address can be used")));
  assert.ok(lines.includes("       refused: connect ECONNREFUSED 127.0.0.1:1"));
  assert.ok(lines.some((line) => line.startsWith("       → nothing listens there")));
});

page.close();
server.close();
server.closeAllConnections();
await transport.close();
for (const backend of backends) await backend.close();
rmSync(folder, { recursive: true, force: true });
process.exit(failed === 0 ? 0 : 1);
