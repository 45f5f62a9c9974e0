import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTarget } from "../../../src/endpoint/target.ts";

const good: Record<string, Partial<ReturnType<typeof parseTarget>>> = {
  "http://echo.default.svc:50051": {
    host: "echo.default.svc",
    port: 50_051,
    tls: false,
    authority: "echo.default.svc:50051",
  },
  "https://echo.test": { port: 443, tls: true, authority: "echo.test" },
  "http://echo.test": { port: 80, authority: "echo.test" },
  "http://echo.test/": { pathPrefix: "" },
  "http://echo.test/api/v1": { pathPrefix: "/api/v1", url: "http://echo.test/api/v1" },
  "http://echo.test/api/": { pathPrefix: "/api" },
  "HTTP://ECHO.Test:81": { host: "echo.test", authority: "echo.test:81" },
  "http://[::1]:50051": { host: "::1", authority: "[::1]:50051", isIpLiteral: true },
  "http://127.0.0.1:50051": { isIpLiteral: true },
  "http://echo.test.:50051": { host: "echo.test." },
};

for (const [url, expected] of Object.entries(good)) {
  test(`the base URL ${url} is understood`, () => {
    const target = parseTarget(url);
    const actual = Object.fromEntries(Object.keys(expected).map((key) => [key, target[key as keyof typeof target]]));
    assert.deepEqual(actual, expected);
  });
}

const bad: Record<string, RegExp> = {
  "echo.test:50051": /scheme/,
  "//echo.test": /not an absolute URL/,
  "": /not an absolute URL/,
  "ftp://echo.test": /scheme "ftp"/,
  "unix:/run/echo.sock": /scheme "unix"/,
  "http://user:secret@echo.test": /credentials/,
  "http://echo.test?x=1": /query/,
  "http://echo.test:0": /port 0/,
  "http://echo.test:70000": /not an absolute URL/,
};

for (const [url, reason] of Object.entries(bad)) {
  test(`the base URL "${url}" is refused by name, with the reason`, () => {
    assert.throws(
      () => parseTarget(url),
      (error) => error instanceof TypeError && /^baseUrl/.test(error.message) && reason.test(error.message),
    );
  });
}

for (const url of [
  "http://user:secret@echo.test",
  "http://user:sec/secret@echo.test",
  "http://user:sec?secret@echo.test",
  "http://user:sec#secret@echo.test",
  "http:\\\\user:sec/secret@echo.test",
  "http:user:sec/secret@echo.test",
  "//user:sec/secret@echo.test",
  "user:sec/secret@echo.test:50051",
  "secret:word@echo.test",
  "ftp://user:sec/secret@echo.test",
  " https://user:sec/secret@echo.test:70000",
  "http://user:secret%40echo.test",
  "http://user:secret\uff20echo.test",
  "http://user:secret\ufe6becho.test",
]) {
  test(`no part of the password in "${url}" gets into the error, whatever a URL parser takes it for`, () => {
    assert.throws(
      () => parseTarget(url),
      (error) => error instanceof TypeError && /^baseUrl/.test(error.message) && !/secret|user/.test(error.message),
    );
  });
}
