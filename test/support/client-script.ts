// A client as a careless user writes it: it handles what its calls return, and no event of anything else. It calls
// until it hears a message, then closes its transport; nothing tells it to exit.
import { staticResolver } from "../../src/index.ts";
import { Load } from "./load.ts";
import { glinkTransport } from "./transport.ts";

const { addresses } = JSON.parse(process.argv[2] ?? "{}") as { addresses: string[] };
const transport = glinkTransport({ baseUrl: "http://echo.test", resolver: staticResolver(addresses) });
const load = new Load(transport, { callsPerSecond: 50, delayMs: 20 });
process.once("message", async () => {
  await load.stop();
  await transport.close();
  console.log(JSON.stringify({ calls: load.results.length, failures: load.failures.map(({ message }) => message) }));
  process.disconnect();
});
