import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { format } from "node:util";
import { checkLogger } from "../../../src/observe/logger.ts";

test("the console logger takes a message for text, whatever placeholders a server has put into it", () => {
  const warn = mock.method(console, "warn", () => undefined);
  try {
    checkLogger(true).warn({ target: "http://echo.test", address: "10.0.0.1:1" }, "GOAWAY: 100%d %s %o %c");
    const written = warn.mock.calls.map((call) => format(...(call.arguments as [unknown, ...unknown[]])));
    assert.deepEqual(written, [
      "glink http://echo.test: GOAWAY: 100%d %s %o %c { target: 'http://echo.test', address: '10.0.0.1:1' }",
    ]);
  } finally {
    warn.mock.restore();
  }
});
