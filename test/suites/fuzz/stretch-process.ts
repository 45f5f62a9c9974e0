import { runStretch, type Stretch } from "./stretch.ts";

// A process of its own for a stretch of a run's cases: see campaign.ts. Its argument is a Stretch as JSON.

const result = await runStretch(JSON.parse(process.argv[2] as string) as Stretch);
process.send?.(result, undefined, undefined, () => process.disconnect());
