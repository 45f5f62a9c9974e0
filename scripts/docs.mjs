// npm run docs: the reference of all subpaths, from their docstrings, and the guides, as one site that works from file://.
// What has no docstring, and a link that leads nowhere, is an error.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Application, ReflectionKind } from "typedoc";

const out = ".cache/site";
const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
const subpaths = Object.keys(exports).filter((name) => name !== "./package.json");

/** Fields of events are in the table of docs/observability.md, and those of what OpenTelemetry's SDK and protobuf take are theirs. */
const toldElsewhere =
  /^(index\.(BackendFact|CallFact|ResolverFact|GlinkEvent)|testing\.EventOf|otel\.CollectedMetrics?|health\.Health)\..*__type\./;

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
  // Its anchors lack those of types that extend what is not ours.
  includeHierarchySummary: false,
  customCss: "scripts/docs.css",
  highlightLanguages: ["ts", "js", "sh", "json", "yaml", "diff", "proto", "text"],
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  treatWarningsAsErrors: true,
  // What OpenTelemetry's SDK names itself, and a type that only counts.
  intentionallyNotExported: [
    "cumulative",
    "gauge",
    "histogram",
    "sum",
    "Descriptor",
    "DataPoint",
    "HistogramValue",
    "Several",
  ],
});
const project = await app.convert();
if (project === undefined) process.exit(1);
const told = project
  .getReflectionsByKind(ReflectionKind.Property)
  .filter((property) => !property.hasComment())
  .map((property) => property.getFullName())
  .filter((name) => toldElsewhere.test(name));
app.options.setValue("intentionallyNotDocumented", [...new Set(told)]);
app.validate(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
await app.generateDocs(project, out);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
// A link to a part of the README names the folder, which no browser shows from file://.
for (const page of readdirSync(join(out, "documents")).map((name) => join(out, "documents", name))) {
  writeFileSync(page, readFileSync(page, "utf8").replaceAll('href="../#', 'href="../index.html#'));
}
console.log(`The site is ${pathToFileURL(join(out, "index.html"))}`);
