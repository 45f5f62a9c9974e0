import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { HttpApiServer } from "../../../src/kubernetes/api-server.ts";
import { ServiceAccountFiles } from "../../../src/kubernetes/credentials.ts";
import { apiServerIdentity, otherApiServerIdentity } from "../../support/certificates.ts";
import { ManualClock, SocketsManualClock } from "../../support/manual-clock.ts";
import { ScriptedApiServer } from "../../support/scripted-api-server.ts";

function accountFolder(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "glink-account-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const write = (token: string, ca: string) => {
    writeFileSync(join(folder, "token"), `${token}\n`);
    writeFileSync(join(folder, "ca.crt"), ca);
  };
  return { folder, write };
}

test("token and authority are read anew each minute, and at once when the server refuses the token", async (t) => {
  const { folder, write } = accountFolder(t);
  const clock = new ManualClock();
  const files = new ServiceAccountFiles(folder);
  write("first", "ca 1");
  assert.deepEqual(await files.identity(clock), { token: "first", ca: "ca 1" });
  write("second", "ca 2");
  await clock.advance(60_000);
  assert.equal((await files.identity(clock)).token, "first");
  await clock.advance(1);
  assert.deepEqual(await files.identity(clock), { token: "second", ca: "ca 2" });
  write("third", "ca 2");
  files.forget();
  assert.equal((await files.identity(clock)).token, "third");
});

test("files that are not there are an error that names them, and are looked for again", async (t) => {
  const { folder, write } = accountFolder(t);
  const files = new ServiceAccountFiles(folder);
  await assert.rejects(
    files.identity(new ManualClock()),
    /cannot read .*\/token, which a pod has unless automount.*ENOENT/,
  );
  write("first", "ca");
  assert.equal((await files.identity(new ManualClock())).token, "first");
});

test("a server with a new authority is trusted once that is in the file", async (t) => {
  const { folder, write } = accountFolder(t);
  const clock = new SocketsManualClock();
  const start = async (identity: typeof apiServerIdentity, port = 0) => {
    const server = new ScriptedApiServer({ ...identity });
    await server.listen(port);
    t.after(() => server.close());
    return server;
  };
  const first = await start(apiServerIdentity);
  const url = new URL(first.url);
  write("token", apiServerIdentity.cert);
  const credentials = new ServiceAccountFiles(folder);
  const api = new HttpApiServer({ url, credentials, cert: undefined, key: undefined, clock, held: () => true });
  t.after(() => api.close());
  const { signal } = new AbortController();
  const status = async () => {
    const { status, body } = await api.get("/?list", 5_000, signal);
    for await (const _ of body);
    return status;
  };
  assert.equal(await status(), 200);
  assert.equal(await status(), 200, "on the same connection");
  await first.close();
  const second = await start(otherApiServerIdentity, Number(url.port));
  await assert.rejects(status(), /certificate/);
  write("token", otherApiServerIdentity.cert);
  await clock.advance(60_001);
  assert.equal(await status(), 200);
  assert.equal(second.requests.length, 1);
});
