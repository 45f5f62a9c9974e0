import { isIP } from "node:net";
import { fakeDns } from "../../../src/testing/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";

/*
 * Runs in the servers' namespace: a DNS server at each address of the first list, which names those of the second one,
 * and an echo server at each address of the third. Lists are comma-separated. Prints "ready".
 */

const [nameServers = "", named = "", listening = ""] = process.argv.slice(2);
const listOf = (text: string) => text.split(",").filter((one) => one !== "");

for (const host of listOf(nameServers)) {
  const dns = await fakeDns({ host, port: 53 });
  dns.set("echo.test", { addresses: listOf(named).filter((address) => isIP(address) !== 0) });
}
for (const host of listOf(listening)) await startConnectEcho({ host, port: 50051 });
console.log("ready");
