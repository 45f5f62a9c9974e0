import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, type Instrumentation, staticResolver } from "../../src/index.ts";
import { type ByHand, instrumentations, sdkByHand } from "../instrumentations.ts";

// One process with a transport for each way to make a call: without instrumentation, the same again as a control, with the
// SDK used by hand around each call, and with the instrumentation. Their blocks of calls take turns.

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
  /** Empty where no SDK has a part in it. */
  readonly byHand: readonly number[];
}

const callsPerBlock = 1_000;
const callsAtOnce = 32;
/** Rounds before the first that counts: compilers are done by then. */
const warmUpRounds = 30;

const { name, backends, blocks } = JSON.parse(process.argv[2] as string) as InstrumentedTask;
const instrumentation = instrumentations[name]?.();
if (instrumentation === undefined) throw new Error(`there is no instrumentation "${name}"`);
const sdk = sdkByHand[name]?.();
const ways = {
  plain: calls([]),
  control: calls([]),
  instrumented: calls(instrumentation),
  ...(sdk === undefined ? {} : { byHand: calls([], sdk) }),
};
const micros: Record<keyof InstrumentedBlocks, number[]> = { plain: [], control: [], instrumented: [], byHand: [] };
const inTurn = Object.entries(ways) as [keyof InstrumentedBlocks, () => Promise<void>][];
for (let round = -warmUpRounds; round < blocks; round++) {
  // Each of them comes first, last and in between equally often.
  for (let i = 0; i < inTurn.length; i++) {
    const [way, call] = inTurn[(i + Math.abs(round)) % inTurn.length] as (typeof inTurn)[number];
    const ofBlock = await block(call);
    if (round >= 0) micros[way].push(ofBlock);
  }
}
process.stdout.write(`${JSON.stringify(micros satisfies InstrumentedBlocks)}\n`);
process.exit(0);

function calls(instrumentation: Instrumentation | readonly Instrumentation[], byHand?: ByHand): () => Promise<void> {
  const resolver = staticResolver([...backends]);
  const client = createClient(
    EchoService,
    glinkTransport({ baseUrl: "http://localhost:1", resolver, instrumentation }),
  );
  if (byHand === undefined) {
    return async () => {
      await client.unary({ text: "hello" });
    };
  }
  return async () => {
    const end = byHand();
    await client.unary({ text: "hello" });
    end();
  };
}

async function block(call: () => Promise<void>): Promise<number> {
  let left = callsPerBlock;
  const lane = async () => {
    while (left-- > 0) await call();
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: callsAtOnce }, lane));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / callsPerBlock;
}
