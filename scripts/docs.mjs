// npm run docs: the reference of all subpaths, from their docstrings, and the guides, as one site that works from file://.
// What has no docstring, and a link that leads nowhere, is an error.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Application } from "typedoc";

const out = ".cache/site";
const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
const subpaths = Object.keys(exports).filter((name) => name !== "./package.json");

const app = await Application.bootstrap({
  name: "glink",
  entryPoints: subpaths.map((name) => join("src", name, "index.ts")),
  tsconfig: "tsconfig.build.json",
  readme: "README.md",
  projectDocuments: ["docs/*.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md"],
  includeVersion: true,
  disableSources: true,
  excludeExternals: true,
  hideGenerator: true,
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  treatWarningsAsErrors: true,
  // Values that OpenTelemetry's SDK names, and the shapes of its own in which it takes what was collected.
  intentionallyNotExported: ["cumulative", "gauge", "histogram", "sum", "Descriptor", "DataPoint", "HistogramValue"],
});
const project = await app.convert();
if (project === undefined) process.exit(1);
app.validate(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
await app.generateDocs(project, out);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
console.log(`The site is ${pathToFileURL(join(out, "index.html"))}`);
