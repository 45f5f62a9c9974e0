import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { root } from "./build.ts";
import { documentsOf } from "./report/documents.ts";
import { readResult } from "./report/result.ts";

const usage = `npm run bench:picture -- [FILE] [options]

  FILE       what npm run bench -- --json FILE wrote (default bench/results/latest.json)
  --check    writes nothing; exit code 1 where a document says anything else

Writes the picture and the tables of docs/performance.md, and README's table.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: "boolean", short: "h", default: false }, check: { type: "boolean", default: false } },
});
const [file = `${root}bench/results/latest.json`] = positionals;
if (values.help) console.log(usage);
else
  for (const [path, text] of documentsOf(readResult(file))) {
    if (!values.check) writeFileSync(`${root}${path}`, text);
    else if (readFileSync(`${root}${path}`, "utf8") !== text) {
      console.error(`${path} says something else than ${file}: run npm run bench:picture`);
      process.exitCode = 1;
    }
  }
