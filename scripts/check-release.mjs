// What `npm publish` asks before anything else (prepublishOnly): that the version has its section in the changelog, and that
// the package names its repository, which provenance is checked against.
import { readFileSync } from "node:fs";

const { version, repository, publishConfig } = JSON.parse(readFileSync("package.json", "utf8"));
const changelog = readFileSync("CHANGELOG.md", "utf8");
const source = readFileSync("src/base/version.ts", "utf8");
const problems = [
  !changelog.includes(`\n## ${version} - `) && `CHANGELOG.md has no section "## ${version} - <date>"`,
  !source.includes(`"${version}"`) && `src/base/version.ts does not say ${version}`,
  publishConfig?.provenance && repository === undefined && "package.json names no repository: provenance needs it",
].filter((problem) => problem !== false);
for (const problem of problems) console.error(`not to be published: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
