import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const test = join(import.meta.dirname, "..");

/** Something that is promised, and what holds us to it. */
export interface TestedRow {
  readonly id: string;
  /** `path below test: the test's name as its source has it`, placeholders included. Empty: see `suites` and `reason`. */
  readonly tests: readonly string[];
  /** Commands of suites, as `.ci/run` or CONTRIBUTING.md has them: for what is too long, or too large, for a test. */
  readonly suites?: readonly string[];
  /** What of it is not tested or not done, and why. */
  readonly reason?: string;
}

/** Path and name of a test. */
export function splitTest(test: string): readonly [path: string, name: string] {
  const at = test.indexOf(": ");
  return [test.slice(0, at), test.slice(at + 2)];
}

/** What a table's cell says of the tests of a row, and of what is not there. */
export function testsCell({ tests, suites = [], reason }: TestedRow): string {
  const named = tests.map((test) => {
    const [path, name] = splitTest(test);
    return `\`${path}\`: ${name.replaceAll("|", "\\|")}`;
  });
  const commands = suites.map((command) => `\`${command}\``);
  return [...named, ...commands, ...(reason === undefined ? [] : [`(${reason})`])].join("<br>");
}

/** Of each row what is wrong: no test, suite or reason; a test or a suite that is not there; or an id that another row has. */
export function wrongRows(rows: readonly TestedRow[]): string[] {
  const ids = new Set<string>();
  const commands = [".ci/run", "CONTRIBUTING.md"]
    .map((path) => readFileSync(join(test, "..", path), "utf8"))
    .join("\n");
  return rows.flatMap(({ id, tests, suites = [], reason }) => {
    const missing = [
      ...tests.filter((one) => !isThere(splitTest(one))),
      ...suites.filter((command) => !commands.includes(command)),
    ];
    const wrong = missing.map((one) => `${id}: there is no ${one}`);
    if (tests.length + suites.length === 0 && reason === undefined) wrong.push(`${id} has neither a test nor a reason`);
    if (ids.has(id)) wrong.push(`${id} is there twice`);
    ids.add(id);
    return wrong;
  });
}

function isThere([path, name]: readonly [string, string]): boolean {
  const file = join(test, path);
  return existsSync(file) && readFileSync(file, "utf8").includes(name);
}
