// Machines have all of 127.0.0.0/8 for their servers, or 127.0.0.1 alone: tests with several backends must do with either.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { hasManyLoopbackAddresses } from "../../../demo/loopback.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { TestProcesses } from "../../support/processes.ts";

checkForLeaks();

test("backends of tests have addresses of their own where the machine has them, and else ports", async (t) => {
  const haveAddresses = await hasManyLoopbackAddresses();
  if (!haveAddresses)
    t.diagnostic("this machine has 127.0.0.1 alone: backends of tests differ by port, not by address");
  const processes = new TestProcesses();
  t.after(() => processes.close());
  const backends = await processes.backends(2);
  const addresses = backends.map(({ address }) => address);
  const hosts = new Set(addresses.map((address) => address.split(":")[0]));
  assert.equal(new Set(addresses).size, 2);
  assert.deepEqual([...hosts].sort(), haveAddresses ? ["127.0.0.2", "127.0.0.3"] : ["127.0.0.1"]);
  for (const address of addresses) {
    const [host = "", port] = address.split(":");
    const socket = connect({ host, port: Number(port) });
    await once(socket, "connect");
    socket.destroy();
  }
});
