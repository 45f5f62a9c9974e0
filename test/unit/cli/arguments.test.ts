import assert from "node:assert/strict";
import { test } from "node:test";
import { type CheckCommand, readCommand, UsageError } from "../../../src/cli/arguments.ts";

const url = "http://echo.test:50051";

test("what is not said has its default", () => {
  assert.deepEqual(readCommand(["check", url]), {
    name: "check",
    url,
    timeoutMs: 5_000,
    protocol: "grpc",
    ca: undefined,
    cert: undefined,
    key: undefined,
    servername: undefined,
    service: "",
    json: false,
  });
});

test("times have a unit, or are seconds", () => {
  const timeoutOf = (given: string) => (readCommand(["check", url, "--timeout", given]) as CheckCommand).timeoutMs;
  assert.deepEqual(["250ms", "2s", "1.5s", "3", "1m"].map(timeoutOf), [250, 2_000, 1_500, 3_000, 60_000]);
});

test("watch takes a URL, or the page of another process, which ends with a slash", () => {
  const source = (...args: string[]) => (readCommand(["watch", ...args]) as { source: unknown }).source;
  assert.deepEqual(source("--admin", "http://127.0.0.1:9901/glink"), { admin: "http://127.0.0.1:9901/glink/" });
  assert.equal((source(url) as { url: string }).url, url);
});

test("nothing, help and version need no URL", () => {
  assert.deepEqual([[], ["--help"], ["help"], ["check", "-h"], ["watch", "--help"]].map(readCommand), [
    ...Array.from({ length: 5 }, () => ({ name: "help" })),
  ]);
  assert.deepEqual(readCommand(["--version"]), { name: "version" });
});

for (const [args, message] of [
  [["chekc", url], /no command "chekc": it is check or watch/],
  [[url], /glink check http:\/\/echo\.test:50051/],
  [["check"], /give a URL/],
  [["check", url, url], /one URL at a time/],
  [["check", "echo.test:50051"], /http:\/\/echo\.test:50051 for a server without TLS, https:\/\//],
  [["check", "dns:///echo.test:50051"], /needs a scheme: http:\/\/echo\.test:50051/],
  [["check", url, "--tiemout", "1s"], /^unknown option '--tiemout'$/],
  [["check", url, "--timeout", "soon"], /--timeout is a time such as 500ms, 5s or 2m, up to 60m, and not soon/],
  [["check", url, "--timeout", "0"], /--timeout is a time/],
  [["check", url, "--protocol", "rest"], /--protocol is grpc, grpc-web, connect, and not rest/],
  [["check", url, "--ca", "ca.pem"], /--ca is for TLS: write https/],
  [["check", "https://echo.test", "--cert", "cert.pem"], /--cert and --key go together/],
  [["check", url, "--admin", "x"], /unknown option '--admin'/],
  [["watch", "--admin", "127.0.0.1:9901"], /--admin is the address of a page/],
  [["watch", url, "--admin", "http://127.0.0.1:9901", "--ca", "x"], /leave out http:\/\/echo\.test:50051, --ca/],
  [["watch", url, "--interval", "1ns"], /--interval is a time/],
] as const) {
  test(`${args.join(" ") || "nothing"}: a usage error that says what is wrong`, () => {
    assert.throws(
      () => readCommand(args),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test("what was typed is shown, and does nothing to the terminal", () => {
  assert.throws(() => readCommand(["check", "\x1b[2Jecho"]), /http:\/\/\\x1b\[2Jecho/);
});
