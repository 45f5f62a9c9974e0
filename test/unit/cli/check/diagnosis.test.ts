import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { problemByOtherScheme, problemOf, seen } from "../../../../src/cli/check/diagnosis.ts";
import type { ProbeFailure } from "../../../../src/index.ts";
import { failed, probed } from "./probes.ts";

const cases: readonly [
  name: string,
  url: "http" | "https",
  failure: Partial<ProbeFailure>,
  code: string,
  id: string,
][] = [
  ["TCP refused", "http", { stage: "connect" }, "ECONNREFUSED", "refused"],
  ["no route", "http", { stage: "connect" }, "EHOSTUNREACH", "unreachable"],
  ["the kernel's own timeout", "http", { stage: "connect" }, "ETIMEDOUT", "connect-silent"],
  ["no answer to the connect", "http", { stage: "connect", kind: "connect-timeout" }, "", "connect-silent"],
  ["files that do not match", "https", { stage: "connect" }, "ERR_OSSL_X509_KEY_VALUES_MISMATCH", "tls-options"],
  ["another errno", "http", { stage: "connect" }, "EACCES", "connect-failed"],
  ["no answer to the handshake", "https", { stage: "tls", kind: "connect-timeout" }, "", "tls-silent"],
  ["a plaintext answer", "https", { stage: "tls" }, "ERR_SSL_WRONG_VERSION_NUMBER", "plaintext-port"],
  ["a reset", "https", { stage: "tls" }, "ECONNRESET", "connection-closed"],
  ["an expired certificate", "https", { stage: "tls" }, "CERT_HAS_EXPIRED", "certificate-expired"],
  ["a certificate of tomorrow", "https", { stage: "tls" }, "CERT_NOT_YET_VALID", "certificate-not-yet-valid"],
  ["another name", "https", { stage: "tls" }, "ERR_TLS_CERT_ALTNAME_INVALID", "certificate-name"],
  ["an unknown authority", "https", { stage: "tls" }, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "certificate-untrusted"],
  [
    "TLS 1.2 without our certificate",
    "https",
    { stage: "tls" },
    "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
    "client-certificate",
  ],
  [
    "TLS 1.3 without it",
    "https",
    { stage: "settings" },
    "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "client-certificate",
  ],
  ["an alert about ALPN", "https", { stage: "tls" }, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "no-h2"],
  ["another alert", "https", { stage: "tls" }, "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "tls-failed"],
  ["TLS without h2", "https", { stage: "settings" }, "", "no-h2"],
  ["HTTP/1.1", "http", { stage: "settings", speaks: "http/1.1", bytesRead: 9 }, "", "http1-port"],
  ["a TLS alert", "http", { stage: "settings", speaks: "tls", bytesRead: 7 }, "", "tls-port"],
  ["other bytes", "http", { stage: "settings", bytesRead: 7 }, "", "not-http2"],
  ["a FIN", "http", { stage: "settings" }, "", "connection-closed"],
  ["silence", "http", { stage: "settings", kind: "connect-timeout" }, "", "http2-silent"],
  ["no answer to PING", "http", { stage: "ping", kind: "ping-timeout" }, "", "ping-silent"],
  ["a loss while pinging", "http", { stage: "ping", kind: "connection-lost" }, "ECONNRESET", "connection-lost"],
];

for (const [name, scheme, failure, code, id] of cases) {
  test(`${name}: ${id}`, () => {
    const report = failed({ ...failure, cause: { name: "Error", code, message: "why" } });
    assert.equal(problemOf(report, report.failure, scheme === "https"), id);
  });
}

test("no route to an IPv6 address is a network without IPv6", () => {
  const report = failed(
    { stage: "connect", cause: { name: "Error", code: "ENETUNREACH", message: "" } },
    "[2001:db8::1]:80",
  );
  assert.equal(problemOf(report, report.failure, false), "ipv6-unreachable");
});

test("the other scheme proves what a port speaks, or nothing", () => {
  assert.equal(problemByOtherScheme(probed({ tlsMs: 1 }), false), "tls-port");
  assert.equal(problemByOtherScheme(probed({}), false), undefined);
  assert.equal(problemByOtherScheme(probed({ settingsMs: 1 }), true), "plaintext-port");
  assert.equal(problemByOtherScheme(failed({ stage: "settings", speaks: "http/1.1" }), true), "http1-port");
  assert.equal(problemByOtherScheme(failed({ stage: "settings" }), true), undefined);
});

test("of OpenSSL's texts the reason is shown, of a timeout what was waited for, and escapes do nothing", () => {
  const text = (message: string, more: Partial<ProbeFailure> = {}) =>
    seen(failed({ ...more, cause: { name: "Error", message } }).failure);
  const openssl = "807C4E04CC7F0000:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/x.c:350:";
  assert.equal(text(openssl), "wrong version number");
  assert.equal(
    text("", { kind: "connect-timeout", code: Code.Unavailable, stage: "tls" }),
    "no answer to the TLS handshake",
  );
  assert.equal(text("\x1b[2Jgone\n"), "\\x1b[2Jgone");
});
