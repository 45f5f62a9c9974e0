import { sdkShares } from "../instrumentations.ts";

// One line for one of {@link sdkShares}: CPU of one operation in each block, in microseconds.

const operations = 5_000;
const blocks = 30;
const warmUpBlocks = 10;

const operation = sdkShares[process.argv[2] as string]?.();
if (operation === undefined) throw new Error(`there is no share "${process.argv[2]}"`);
const micros: number[] = [];
for (let block = -warmUpBlocks; block < blocks; block++) {
  const before = process.cpuUsage();
  for (let i = 0; i < operations; i++) operation();
  const { user, system } = process.cpuUsage(before);
  if (block >= 0) micros.push((user + system) / operations);
  // What a span processor does later belongs to the spans.
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write(`${JSON.stringify(micros)}\n`);
process.exit(0);
