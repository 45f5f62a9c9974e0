import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { adminPage } from "../../../src/admin/index.ts";
import { staticResolver } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { noSignals } from "../../support/platform.ts";
import { glinkTransport } from "../../support/transport.ts";

/*
 * The command as a process: what it leaves on its two outputs, its exit code, and how it ends. test/suites/cli has it in a
 * real terminal.
 */

checkForLeaks();

const main = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));

type Command = ChildProcessByStdio<null, Readable, Readable>;

function start(...args: string[]): Command {
  return spawn(process.execPath, [...process.execArgv, main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += chunk;
  return text;
}

async function ended(command: Command) {
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(command, "close"),
    textOf(command.stdout),
    textOf(command.stderr),
  ]);
  return { code, signal, stdout, stderr };
}

/** Reads lines until one fulfils `isIt`. */
async function lineOf(command: Command, isIt: (line: Record<string, unknown>) => boolean): Promise<void> {
  let rest = "";
  for await (const chunk of command.stdout.setEncoding("utf8")) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (lines.some((line) => isIt(JSON.parse(line) as Record<string, unknown>))) return;
  }
  assert.fail("it ended without such a line");
}

test("check ends by itself with its exit code, without escapes in a pipe, and with nothing on stderr", async () => {
  const backend = await startConnectEcho();
  const [good, bad, usage] = await Promise.all([
    ended(start("check", `http://${backend.address}`)),
    ended(start("check", "http://127.0.0.1:1", "--json")),
    ended(start("check", "127.0.0.1:1")),
  ]);
  await backend.close();
  assert.deepEqual([good.code, bad.code, usage.code], [0, 4, 1]);
  assert.match(good.stdout, new RegExp(`^ok {5}${backend.address} {2}TCP .*\\n(.*\\n)*all is well\\n$`));
  assert.ok(!good.stdout.includes("\x1b"));
  assert.deepEqual([good.stderr, bad.stderr, usage.stdout], ["", "", ""]);
  assert.equal((JSON.parse(bad.stdout) as { problems: { id: string }[] }).problems[0]?.id, "refused");
  assert.match(
    usage.stderr,
    /^glink: the URL needs a scheme: http:\/\/127\.0\.0\.1:1 .*\nglink --help tells what there is\.\n$/,
  );
});

test("a reader that has seen enough ends it quietly", async () => {
  const command = start("--help");
  command.stdout.destroy();
  const [[code], stderr] = await Promise.all([once(command, "close"), textOf(command.stderr)]);
  assert.deepEqual([code, stderr], [0, ""]);
});

test("watch in a pipe writes a line of JSON for each look at its own pool, and Ctrl-C ends it with 0", {
  skip: noSignals,
}, async () => {
  const backend = await startConnectEcho();
  const command = start("watch", `http://${backend.address}`, "--interval", "50ms");
  await lineOf(command, ({ schema, pools }) => schema === 1 && (pools as { state: string }[])[0]?.state === "ready");
  command.kill("SIGINT");
  const [code, signal] = (await once(command, "close")) as [number | null, string | null];
  await backend.close();
  assert.deepEqual([code, signal], [0, null]);
});

test("watch shows the pools of another process through its page", { skip: noSignals }, async () => {
  const backend = await startConnectEcho();
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver: staticResolver([backend.address]) });
  await createClient(EchoService, transport).unary({ text: "seen" });
  const page = adminPage([transport], { updateIntervalMs: 250 });
  const server = createHttpServer(page.node).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const command = start("watch", "--admin", `http://127.0.0.1:${port}`);
  const talk = textOf(command.stderr);
  await lineOf(command, ({ pools }) => (pools as { target: string; callsStarted: number }[])[0]?.callsStarted === 1);
  command.kill("SIGTERM");
  const [code] = (await once(command, "close")) as [number | null];
  page.close();
  server.close();
  server.closeAllConnections();
  await Promise.all([transport.close(), backend.close()]);
  assert.deepEqual([code, await talk], [0, ""]);
});

test("a page that is none is said on stderr", async () => {
  const server = createHttpServer((_, response) => response.writeHead(404).end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const command = start("watch", "--admin", `http://127.0.0.1:${port}`);
  const [text] = (await once(command.stderr.setEncoding("utf8"), "data")) as [string];
  command.kill("SIGINT");
  await once(command, "close");
  server.close();
  server.closeAllConnections();
  assert.match(text, /^glink: it answered 404 with nothing: is a page of glink\/admin there, of this version\?\n$/);
});
