import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, staticResolver } from "../../src/index.ts";
import { instrumentations } from "../instrumentations.ts";

// One process with three transports: two without instrumentation, the second as a control, and one with. Their blocks of
// calls take turns.

/** Its argument, as JSON. */
export interface InstrumentedTask {
  /** Which of {@link instrumentations}. */
  readonly name: string;
  readonly backends: readonly string[];
  readonly blocks: number;
}

/** Its one line: CPU of the process for one call of each block, in microseconds. */
export interface InstrumentedBlocks {
  readonly plain: readonly number[];
  readonly control: readonly number[];
  readonly instrumented: readonly number[];
}

const callsPerBlock = 1_000;
const callsAtOnce = 32;
/** Rounds before the first that counts: compilers are done by then. */
const warmUpRounds = 30;

const { name, backends, blocks } = JSON.parse(process.argv[2] as string) as InstrumentedTask;
const instrumentation = instrumentations[name]?.();
if (instrumentation === undefined) throw new Error(`there is no instrumentation "${name}"`);
const clients = [[], [], instrumentation].map((one) => {
  const resolver = staticResolver([...backends]);
  const transport = glinkTransport({ baseUrl: "http://localhost:1", resolver, instrumentation: one });
  return createClient(EchoService, transport);
});
const micros = clients.map((): number[] => []);
for (let round = -warmUpRounds; round < blocks; round++) {
  // Each of them comes first, last and in between equally often.
  for (let i = 0; i < clients.length; i++) {
    const at = (i + Math.abs(round)) % clients.length;
    const ofBlock = await block(clients[at] as (typeof clients)[number]);
    if (round >= 0) micros[at]?.push(ofBlock);
  }
}
const [plain = [], control = [], instrumented = []] = micros;
process.stdout.write(`${JSON.stringify({ plain, control, instrumented } satisfies InstrumentedBlocks)}\n`);
process.exit(0);

async function block(client: (typeof clients)[number]): Promise<number> {
  let left = callsPerBlock;
  const lane = async () => {
    while (left-- > 0) await client.unary({ text: "hello" });
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: callsAtOnce }, lane));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / callsPerBlock;
}
