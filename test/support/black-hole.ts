import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A place where TCP connects are not answered, as behind a firewall that drops packets. */
export interface BlackHole {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens with the shortest queue there is, and then takes nothing from it. */
const program = `
const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
  require("node:fs").writeSync(1, String(server.address().port));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;

/** On Linux: what other systems do where the queue is full is their own. */
export async function startBlackHole(): Promise<BlackHole> {
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [text] = await once(child.stdout, "data");
  const port = Number(text);
  const fillers: Socket[] = [];
  // More than fit: what is connected is in the queue, which is full once one is left over for a while.
  for (let isFull = false; !isFull; ) {
    const filler = connect(port, "127.0.0.1").on("error", () => undefined);
    fillers.push(filler);
    isFull = await Promise.race([once(filler, "connect").then(() => false), later(200)]);
  }
  return {
    port,
    async close() {
      for (const filler of fillers) filler.destroy();
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function later(ms: number): Promise<boolean> {
  return new Promise((resolve) => setTimeout(() => resolve(true), ms));
}
