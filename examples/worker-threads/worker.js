// One transport for each worker: connections belong to a thread, and cannot be handed to another one. A worker's messages
// are plain data; results of calls are, too, and their bytes may be transferred.
import { parentPort, workerData } from "node:worker_threads";
import { createClient } from "@connectrpc/connect";
import { glinkTransport, staticResolver } from "glink";
import { Greeter } from "greeter";

const transport = glinkTransport({
  baseUrl: "http://greeter.test",
  resolver: staticResolver(workerData.addresses),
});
const client = createClient(Greeter, transport);

parentPort.on("message", async (message) => {
  if (message === "stop") {
    // A worker whose port has no listener, and whose transport is closed, ends by itself.
    await transport.close();
    parentPort.close();
    return;
  }
  try {
    const { servedBy } = await client.greet({ name: message.name }, { timeoutMs: 2_000 });
    parentPort.postMessage({ id: message.id, servedBy });
  } catch (error) {
    // Errors lose their class on the way: send what the other side looks at.
    parentPort.postMessage({ id: message.id, code: error.code, error: error.rawMessage });
  }
});
