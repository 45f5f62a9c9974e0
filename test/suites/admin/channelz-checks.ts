import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { channelz } from "../../../src/admin/index.ts";
import { goTool, hasGo } from "../../support/go-tools.ts";
import { hasProgram } from "../../support/programs.ts";
import type { Check } from "./page-checks.ts";
import type { Situation } from "./situation.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../../..");
const python = join(root, ".cache/channelz-python");

interface WalkedSocket {
  readonly remote: string;
  readonly hasLocal: boolean;
  readonly streamsStarted: number;
  readonly messagesReceived: number;
}

interface Walk {
  readonly missing: string;
  readonly channels: readonly {
    readonly target: string;
    readonly callsStarted: number;
    readonly subchannels: readonly {
      readonly name: string;
      readonly state: string;
      readonly callsStarted: number;
      readonly sockets: readonly WalkedSocket[];
    }[];
  }[];
}

/** channelz, read by clients that others wrote. */
export async function channelzChecks({ transport }: Situation, check: Check): Promise<void> {
  const server = createServer(connectNodeAdapter({ routes: channelz([transport]) })).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const addresses = transport.snapshot().subchannels.map((one) => one.address);

  if (hasGo()) {
    const grpcurl = goTool("github.com/fullstorydev/grpcurl/cmd/grpcurl", "v1.9.4");
    const ask = async (method: string, request: object) => {
      const proto = ["-plaintext", "-import-path", join(root, "proto"), "-proto", "grpc/channelz/v1/channelz.proto"];
      const call = [...proto, "-d", JSON.stringify(request), address, `grpc.channelz.v1.Channelz/${method}`];
      return JSON.parse((await run(grpcurl, call)).stdout);
    };
    await check("grpcurl lists the channels, page by page", async () => {
      const { channel, end } = await ask("GetTopChannels", { max_results: 1 });
      assert.equal(end, true);
      assert.equal(channel[0].data.target, "dns:///echo.test:80");
      assert.equal(channel[0].data.state.state, "READY");
      assert.deepEqual(
        channel[0].subchannelRef.map(({ name }: { name: string }) => name),
        addresses,
      );
      const next = { start_channel_id: Number(channel[0].ref.channelId) + 1 };
      assert.deepEqual(await ask("GetTopChannels", next), { end: true });
      assert.deepEqual(await ask("GetServers", {}), { end: true });
    });
    await check("grpcurl hears NOT_FOUND and INVALID_ARGUMENT", async () => {
      await assert.rejects(ask("GetSubchannel", { subchannel_id: 1 }), /NotFound/);
      await assert.rejects(ask("GetTopChannels", { max_results: -1 }), /InvalidArgument/);
    });
  } else console.log("admin, channelz read by grpcurl: skipped: Go is not installed");

  const why = pythonUnavailable();
  if (why === undefined) {
    await check("Python's grpcio-channelz walks from the channel to every socket", async () => {
      const { stdout } = await run(join(python, "bin/python"), [join(import.meta.dirname, "walk.py"), address]);
      const { channels, missing } = JSON.parse(stdout) as Walk;
      assert.equal(missing, "NOT_FOUND");
      assert.equal(channels.length, 1);
      const [{ callsStarted, subchannels } = assert.fail()] = channels;
      assert.ok(callsStarted > 0);
      assert.deepEqual(
        subchannels.map(({ name, state }) => [name, state]),
        addresses.map((one) => [one, "READY"]),
      );
      for (const { name, sockets } of subchannels) {
        assert.deepEqual(
          sockets.map(({ remote, hasLocal }) => [remote, hasLocal]),
          [[name, true]],
        );
        for (const { streamsStarted, messagesReceived } of sockets)
          assert.ok(streamsStarted > 0 && messagesReceived > 0);
      }
    });
  } else console.log(`admin, channelz read by Python's grpcio-channelz: skipped: ${why}`);
  server.close();
}

/** Installs grpcio-channelz, once, into a folder that git ignores; returns why that is not possible here. */
function pythonUnavailable(): string | undefined {
  if (!hasProgram("python3")) return "Python is not installed";
  if (existsSync(join(python, "installed"))) return undefined;
  const steps = [
    ["python3", "-m", "venv", python],
    [join(python, "bin/pip"), "install", "--quiet", "grpcio-channelz==1.85.0"],
    ["touch", join(python, "installed")],
  ] as const;
  for (const [program, ...args] of steps) {
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status !== 0) return `${program} ${args[0]} failed: ${stderr?.trim().split("\n").at(-1)}`;
  }
  return undefined;
}
