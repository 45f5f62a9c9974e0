import assert from "node:assert/strict";
import { test } from "node:test";
import { readSources } from "./source-tree.ts";

/**
 * What not every system has that Node runs on. Suites and benchmarks say themselves what they need; the rest runs on
 * macOS and Windows too, and a test that cannot is skipped there with its reason (test/support/platform.ts).
 */
interface Rule {
  readonly what: string;
  readonly pattern: RegExp;
  /** What a file says that asks first. Without it, no file may use this. */
  readonly guard?: RegExp;
}

const rules: readonly Rule[] = [
  {
    what: "/proc and /dev/shm are Linux'",
    pattern: /["'`]\/(proc|dev\/shm)\b/,
    guard: /process\.platform === "linux"/,
  },
  {
    what: "shells are not the same everywhere",
    pattern: /"\/bin\/(sh|bash)"|\("(sh|bash)", \[/,
    guard: /process\.platform === "linux"/,
  },
  { what: "temporary files are in os.tmpdir()", pattern: /["'`]\/tmp\b/ },
  {
    what: "a path is fileURLToPath(url): pathname is /C:/ on Windows, and escaped",
    pattern: /import\.meta\.url\)\.pathname/,
  },
  {
    what: "SIGSTOP and SIGCONT are not on Windows",
    pattern: /[(,]\s*"SIG(STOP|CONT)"\)/,
    // A program that a terminal has asked to stop is on no Windows.
    guard: /skip: noSignals|\bhasSignals\b|"SIGTSTP", suspend/,
  },
  {
    what: "SIGTERM and SIGINT are no graceful end on Windows: endGracefully is",
    pattern: /\.kill\((\w+, )?"SIG(TERM|INT)"\)/,
    guard: /\bendGracefully\b|\bTestProcesses\b|skip: noSignals/,
  },
  { what: "Windows has no groups of processes", pattern: /\bkill\(-/, guard: /\bhasSignals\b/ },
  {
    what: "Windows has no users by number, nor modes of files",
    pattern: /\bget(e?uid|e?gid)\(|\bchmod(Sync)?\(|\bmode: 0o/,
  },
  {
    what: "files of the system are not at the same place everywhere",
    pattern: /\b(exists|open|read|create|spawn|exec)\w*\(["'`]\/(bin|dev|etc|run|sys|usr|var)\//,
  },
  {
    what: "paths have backslashes on Windows, in stacks only those of CommonJS modules",
    pattern: /["'`]\/(src|dist)\//,
    // TypeScript's own have slashes everywhere.
    guard: /replaceAll\("\\\\", "\/"\)|getSourceFile\(\)\.fileName/,
  },
  { what: "SIGUSR has no meaning on Windows, and SIGHUP cannot be sent there", pattern: /"SIGUSR\d"|\("SIGHUP"\)/ },
  {
    what: "macOS has 127.0.0.1 alone",
    pattern: /\b(listen\([^)]*|library\b[^}]*host: )["`]127\.0\.0\.(?!1["`])/,
    guard: /\bhasManyLoopbackAddresses\b/,
  },
  { what: "a Unix domain socket has no file on Windows", pattern: /\.sock`\)/, guard: /skip: noUnixSockets/ },
  { what: "Linux alone has abstract sockets", pattern: /["'`]\\0[a-z]/, guard: /skip: noAbstractSockets/ },
  { what: "mkfifo is not on Windows", pattern: /"mkfifo"/, guard: /skip: noPipes/ },
  {
    what: "links of files need rights on Windows, links of folders are junctions",
    pattern: /^(?!import\b|.*"junction").*\bsymlinkSync\(/m,
    guard: /skip: noFileLinks/,
  },
  {
    what: "npm is a script of the shell's on Windows: npm() starts it",
    pattern: /(spawn|execFile)(Sync)?\("(npm|npx)"/,
  },
];

const sources = readSources("src", "test", "demo").filter(
  ({ path }) => !path.startsWith("test/suites/") && path !== "test/structure/portability.test.ts",
);

for (const { what, pattern, guard } of rules) {
  test(`nothing fails on another system: ${what}`, () => {
    const unguarded = sources.filter(({ text }) => pattern.test(text) && guard?.test(text) !== true);
    assert.deepEqual(
      unguarded.map(({ path }) => path),
      [],
    );
  });
}

test("the rules find what they are about", () => {
  const unused = rules.filter(
    ({ guard, pattern }) => guard !== undefined && !sources.some(({ text }) => pattern.test(text)),
  );
  assert.deepEqual(
    unused.map(({ what }) => what),
    [],
  );
});
