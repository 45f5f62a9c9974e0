import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type FileResolverOptions, fileResolver } from "../../../src/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { SocketsManualClock } from "../../support/manual-clock.ts";
import { noFileLinks, noPipes } from "../../support/platform.ts";
import { watchEndpoints } from "./watching-endpoints.ts";
// Loaded late, which takes time of the lookups that are measured here.
import "../../../src/resolver/watched-file.ts";

checkForLeaks();

const listOf = (...endpoints: unknown[]) => JSON.stringify({ endpoints });

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "glink-file-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function watching(t: TestContext, path: string, options: FileResolverOptions = { pollIntervalMs: 100 }) {
  const reports = watchEndpoints(fileResolver(path, options), { host: "echo.test", port: 50051 });
  t.after(() => reports.close());
  return reports;
}

describe("fileResolver", { concurrency: true }, () => {
  test("weights, zones, priorities and names are the entries', and an address without a port has that of baseUrl", async (t) => {
    const path = join(folder(t), "backends.json");
    const full = { address: "10.0.0.1:1", weight: 2.5, zone: "a", priority: 1, hostname: "one" };
    writeFileSync(path, listOf(full, "10.0.0.2", { addresses: ["10.0.0.3:3", "[fd00::3]:3"] }, "unix:/run/a.sock"));
    const { lists } = watching(t, path);
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(lists[0], [
      "10.0.0.1:1 weight 2.5 zone a priority 1 of one",
      "10.0.0.2:50051",
      "10.0.0.3:3,[fd00::3]:3",
      "unix:/run/a.sock",
    ]);
  });

  for (const how of ["is told of by the operating system", "is found by looking"] as const) {
    test(`a change that ${how} is reported, written in place, renamed or swapped through a symbolic link`, {
      skip: noFileLinks,
    }, async (t) => {
      const base = folder(t);
      // What the operating system tells of is the folder of the link, and not where the link leads.
      const pollIntervalMs = how === "is found by looking" ? 100 : 3_600_000;
      const path = join(base, "backends.json");
      mkdirSync(join(base, "v1"));
      mkdirSync(join(base, "v2"));
      writeFileSync(join(base, "v1/backends.json"), listOf("10.0.0.1"));
      writeFileSync(join(base, "v2/backends.json"), listOf("10.0.0.2"));
      // As Kubernetes does it: the file leads to a folder by a link which is replaced.
      symlinkSync("v1", join(base, "..data"));
      symlinkSync("..data/backends.json", path);
      const { lists, errors } = watching(t, path, { pollIntervalMs });
      const reported = (host: string) => until(`${host} is reported`, () => lists.at(-1)?.[0] === `${host}:50051`);
      await reported("10.0.0.1");
      symlinkSync("v2", join(base, "..tmp"));
      renameSync(join(base, "..tmp"), join(base, "..data"));
      await reported("10.0.0.2");
      writeFileSync(join(base, "new"), listOf("10.0.0.3"));
      renameSync(join(base, "new"), path);
      await reported("10.0.0.3");
      writeFileSync(path, listOf("10.0.0.4"));
      await reported("10.0.0.4");
      assert.deepEqual(errors, []);
    });
  }

  test("after a swap of the folder that the file is in, by a link, changes are told of by the operating system again", {
    skip: noFileLinks,
  }, async (t) => {
    const base = folder(t);
    for (const [name, host] of [
      ["r1", "10.0.0.1"],
      ["r2", "10.0.0.2"],
    ] as const) {
      mkdirSync(join(base, name));
      writeFileSync(join(base, name, "backends.json"), listOf(host));
    }
    symlinkSync("r1", join(base, "current"));
    const clock = new SocketsManualClock();
    const resolver = fileResolver(join(base, "current/backends.json"));
    const { lists, close } = watchEndpoints(resolver, { host: "echo.test", port: 50051 }, clock);
    t.after(close);
    await until("the first is reported", () => lists.length === 1);
    symlinkSync("r2", join(base, "new"));
    renameSync(join(base, "new"), join(base, "current"));
    // Nobody tells of it in the folder that is listened to: it is found by looking.
    await until("the second is reported", () => {
      void clock.advance(50);
      return lists.length === 2;
    });
    writeFileSync(join(base, "r2/backends.json"), listOf("10.0.0.3"));
    // By less than it takes until the next look.
    let turnedMs = 0;
    await until("the third is reported", () => {
      if (turnedMs < 900) void clock.advance(1);
      turnedMs++;
      return lists.length === 3;
    });
  });

  test("a pipe, which has no end, is no file; once there is one, it is read", { skip: noPipes }, async (t) => {
    const path = join(folder(t), "backends.json");
    execFileSync("mkfifo", [path]);
    const { lists, errors } = watching(t, path);
    await until("an error is reported", () => errors.length === 1);
    assert.match(errors[0] ?? "", /backends\.json: it is no regular file/);
    unlinkSync(path);
    writeFileSync(path, listOf("10.0.0.1"));
    await until("a list is reported", () => lists.length === 1);
  });

  test("a file that flips between valid and invalid is told of at each flip, and the last good list stays", async (t) => {
    const path = join(folder(t), "backends.json");
    writeFileSync(path, listOf("10.0.0.1"));
    const { lists, errors } = watching(t, path);
    for (let flips = 1; flips <= 2; flips++) {
      await until("the list is reported", () => lists.length === flips);
      writeFileSync(path, "{");
      await until("the error is reported", () => errors.length === flips);
      writeFileSync(path, listOf("10.0.0.1"));
    }
    await until("the list is reported again", () => lists.length === 3);
  });

  test("a file that is half written for a moment is no error", async (t) => {
    const path = join(folder(t), "backends.json");
    writeFileSync(path, listOf("10.0.0.1"));
    const { lists, errors } = watching(t, path, { pollIntervalMs: 3_600_000 });
    await until("a list is reported", () => lists.length === 1);
    writeFileSync(path, listOf("10.0.0.2").slice(0, 20));
    await new Promise((resolve) => setTimeout(resolve, 50));
    writeFileSync(path, listOf("10.0.0.2"));
    await until("the new list is reported", () => lists.length === 2);
    assert.deepEqual(errors, []);
  });

  test("a file that stays wrong keeps the list, says where it is wrong, once, and is read again when it is mended", async (t) => {
    const path = join(folder(t), "backends.json");
    writeFileSync(path, listOf("10.0.0.1"));
    const { lists, errors } = watching(t, path);
    await until("a list is reported", () => lists.length === 1);
    writeFileSync(path, '{\n  "endpoints": [\n    "10.0.0.1",,\n  ]\n}\n');
    await until("an error is reported", () => errors.length === 1);
    assert.match(
      errors[0] ?? "",
      /backends\.json: the file is no JSON, at line 3, column 16: "," is not expected there/,
    );
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(errors.length, 1);
    writeFileSync(path, listOf("10.0.0.1", { address: "10.0.0.2", weight: -1 }));
    await until("the next error is reported", () => errors.length === 2);
    assert.match(errors[1] ?? "", /backends\.json: endpoints\[1\]: the weight of an endpoint must be a number from/);
    writeFileSync(path, listOf("10.0.0.1"));
    await until("the same list is reported again, for it recovers", () => lists.length === 2);
    assert.deepEqual(lists[1], lists[0]);
  });

  test("a file that is not there yet is an error, and is used as soon as it is, in a folder that comes later", async (t) => {
    const base = join(folder(t), "later");
    const path = join(base, "backends.json");
    const { lists, errors } = watching(t, path);
    await until("an error is reported", () => errors.length === 1);
    assert.match(errors[0] ?? "", /backends\.json: ENOENT/);
    mkdirSync(base);
    writeFileSync(path, listOf("10.0.0.1"));
    await until("a list is reported", () => lists.length === 1);
    unlinkSync(path);
    await until("an error is reported", () => errors.length === 2);
    assert.equal(lists.length, 1);
  });
});

const wrong: readonly [text: string, message: RegExp][] = [
  ["", /no JSON, at line 1, column 1: it ends too early/],
  ['{"endpoints": [', /no JSON, at line 1, column 16: it ends too early/],
  ["[]", /the file must be an object like/],
  ['{"endpoint": []}', /the file has no field "endpoint": it knows endpoints/],
  ['{"endpoints": {}}', /endpoints must be a list, not an object/],
  ['{"endpoints": []}', /endpoints is empty/],
  ['{"endpoints": [1]}', /endpoints\[0\]: an entry must be an address or an object/],
  ['{"endpoints": ["10.0.0.1", {"adress": "10.0.0.2"}]}', /endpoints\[1\]: an entry has no field "adress"/],
  ['{"endpoints": [{"weight": 1}]}', /endpoints\[0\]: give "address", or "addresses"/],
  ['{"endpoints": [{"address": 7}]}', /endpoints\[0\]: an address must be a text, not 7/],
  ['{"endpoints": [{"address": "a:99999"}]}', /endpoints\[0\]: port 99999/],
  ['{"endpoints": [{"addresses": []}]}', /endpoints\[0\]: an endpoint needs at least one address/],
  ['{"endpoints": [{"address": "a", "zone": 1}]}', /endpoints\[0\]: the zone of an endpoint must be a text/],
  [
    '{"endpoints": [{"address": "a", "priority": 0.5}]}',
    /endpoints\[0\]: the priority of an endpoint must be an integer/,
  ],
];

test("a byte order mark, with which some editors begin a file, is no error", async () => {
  const { readEndpointFile } = await import("../../../src/resolver/endpoint-file.ts");
  assert.equal(readEndpointFile(`\uFEFF${listOf("10.0.0.1")}`, 1).length, 1);
});

for (const [text, message] of wrong) {
  test(`a file ${JSON.stringify(text)} says what is wrong`, async () => {
    const { readEndpointFile } = await import("../../../src/resolver/endpoint-file.ts");
    assert.throws(() => readEndpointFile(text, 1), message);
  });
}

test("options of fileResolver are held to their ranges", () => {
  assert.throws(() => fileResolver(""), /^TypeError: fileResolver needs a path/);
  assert.throws(() => fileResolver("a", { pollIntervalMs: 99 }), /^RangeError: fileResolver\.pollIntervalMs/);
  assert.throws(
    () => fileResolver("a", { poll: 1 } as FileResolverOptions),
    /^TypeError: fileResolver has no field "poll"/,
  );
});
