import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTarget } from "../../../../src/endpoint/target.ts";
import { readNoProxy } from "../../../../src/http2/dial/no-proxy.ts";
import { checkProxy, type ProxyInit } from "../../../../src/http2/dial/proxy.ts";
import { glinkTransport } from "../../../../src/index.ts";

const target = parseTarget("http://echo.test:50051");

// As golang.org/x/net/http/httpproxy has it, on which grpc-go relies.
const exceptions: readonly [list: string, host: string, port: number, isExcepted: boolean][] = [
  ["", "echo.test", 80, false],
  ["", "localhost", 80, true],
  ["", "127.0.0.1", 80, true],
  ["", "127.8.9.1", 80, true],
  ["", "::1", 80, true],
  ["*", "echo.test", 80, true],
  ["a.test, *", "10.0.0.1", 80, true],
  ["echo.test", "echo.test", 80, true],
  ["echo.test", "ECHO.test", 80, true],
  ["Echo.Test", "echo.test", 80, true],
  ["echo.test", "a.echo.test", 80, true],
  ["echo.test", "notecho.test", 80, false],
  [".echo.test", "echo.test", 80, false],
  [".echo.test", "a.echo.test", 80, true],
  ["*.echo.test", "echo.test", 80, false],
  ["*.echo.test", "a.b.echo.test", 80, true],
  ["echo.test:50051", "echo.test", 50051, true],
  ["echo.test:50051", "echo.test", 50052, false],
  [" , a.test ,echo.test ", "echo.test", 80, true],
  ["10.0.0.0/8", "10.1.2.3", 80, true],
  ["10.0.0.0/8", "11.1.2.3", 80, false],
  ["10.0.0.0/8", "10.test", 80, false],
  ["10.0.0.1", "10.0.0.1", 80, true],
  ["10.0.0.1", "10.0.0.11", 80, false],
  ["10.0.0.1:80", "10.0.0.1", 80, true],
  ["10.0.0.1:80", "10.0.0.1", 81, false],
  ["fd00::/16", "fd00::1", 80, true],
  ["fd00::/16", "fd01::1", 80, false],
  ["fd00::1", "fd00:0:0::1", 80, true],
  ["[fd00::1]:80", "fd00::1", 80, true],
  ["[fd00::1]:80", "fd00::1", 81, false],
  ["10.0.0.0/99,:80,a/b,[", "10.0.0.1", 80, false],
];

for (const [list, host, port, isExcepted] of exceptions) {
  test(`no_proxy "${list}": ${host}:${port} ${isExcepted ? "passes the proxy by" : "goes through the proxy"}`, () => {
    assert.equal(readNoProxy(list)(host, port), isExcepted);
  });
}

test("of the environment grpc_proxy counts first, then https_proxy in capitals, and a scheme may be missing", () => {
  const urlOf = (environment: Record<string, string>) => checkProxy("environment", target, environment)?.url;
  assert.equal(urlOf({}), undefined);
  assert.equal(urlOf({ http_proxy: "http://a:1", HTTP_PROXY: "http://a:1" }), undefined);
  assert.equal(urlOf({ https_proxy: "http://a:1" }), "http://a:1");
  assert.equal(urlOf({ https_proxy: "http://a:1", HTTPS_PROXY: "http://b:2" }), "http://b:2");
  assert.equal(urlOf({ HTTPS_PROXY: "", https_proxy: "a:1" }), "http://a:1");
  assert.equal(urlOf({ grpc_proxy: "https://c:3", HTTPS_PROXY: "http://b:2" }), "https://c:3");
  assert.equal(urlOf({ https_proxy: "http://a:1", no_proxy: "test" }), undefined);
  assert.equal(urlOf({ https_proxy: "http://a:1", no_proxy: "test", NO_PROXY: "other" }), "http://a:1");
  assert.equal(urlOf({ https_proxy: "http://a:1", no_grpc_proxy: "test", NO_PROXY: "other" }), undefined);
});

test("what no_proxy excepts may be a backend's address, and a Unix socket never is behind a proxy", () => {
  const proxy = checkProxy("environment", target, { https_proxy: "http://a:1", no_proxy: "10.0.0.0/8" });
  assert.equal(proxy?.covers({ host: "10.0.0.1", port: 1 }), false);
  assert.equal(proxy?.covers({ host: "11.0.0.1", port: 1 }), true);
  assert.equal(proxy?.covers({ path: "/run/a" }), false);
  const given = checkProxy("http://a:1", target, { no_proxy: "*" });
  assert.equal(given?.covers({ host: "127.0.0.1", port: 1 }), true);
  assert.equal(given?.covers({ path: "/run/a" }), false);
});

test("a proxy's URL has its scheme's port, and shows no credentials", () => {
  const proxy = checkProxy("https://me:a%40b@[fd00::1]", target);
  assert.deepEqual([proxy?.url, proxy?.host, proxy?.port], ["https://[fd00::1]", "fd00::1", 443]);
  assert.equal(proxy?.authorization, `Basic ${Buffer.from("me:a@b").toString("base64")}`);
  assert.equal(checkProxy("http://a", target)?.port, 80);
});

const wrong: readonly [given: unknown, message: RegExp][] = [
  [1, /^proxy must be a URL such as "http:\/\/proxy:3128", "environment" or \{ url, tls \}, not 1$/],
  [null, /^proxy must be/],
  ["proxy:3128", /^proxy "proxy:3128" is not the URL of an HTTP proxy: begin it with http:\/\/ or https:\/\//],
  ["", /^proxy "" is not a URL/],
  ["socks5://a:1080", /is not the URL of an HTTP proxy/],
  ["http://a/b", /has a path/],
  ["http://a:0", /has port 0/],
  ["http://me:100%@a", /not shown .* credentials that are not percent-encoded/],
  [{ url: "http://a", tls: {} }, /^proxy\.url "http:\/\/a" speaks no TLS/],
  [{ url: 1 }, /^proxy\.url must be a string, not 1/],
  [{ url: "https://a", tls: 1 }, /^proxy\.tls must be an object/],
  [{ url: "https://a", ca: "" }, /^proxy has no field "ca": it knows url, tls/],
];

for (const [given, message] of wrong) {
  test(`proxy ${JSON.stringify(given)} is refused, and the error says why`, () => {
    assert.throws(
      () => checkProxy(given as ProxyInit, target, {}),
      (error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test("a bad URL of the environment is refused by the variable's name, without its password", () => {
  const environment = { https_proxy: "ftp://me:secret@a" };
  assert.throws(
    () => checkProxy("environment", target, environment),
    /^TypeError: the environment variable https_proxy \(not shown.*"@"\) is not the URL/,
  );
});

test("a proxy beside nodeOptions.createConnection is refused: both would open the sockets", () => {
  const nodeOptions = { createConnection: () => undefined as never };
  assert.throws(
    () => glinkTransport({ baseUrl: "http://a", proxy: "http://b", nodeOptions }),
    /createConnection opens every socket/,
  );
});
