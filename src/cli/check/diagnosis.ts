import type { ProbeFailure, ProbeReport } from "../../index.ts";
import { plain } from "../output.ts";
import type { ProblemId } from "./problems.ts";

/** A handshake that ends like this may have met a port without TLS. */
const mayBePlaintext: ReadonlySet<ProblemId> = new Set<ProblemId>([
  "plaintext-port",
  "tls-failed",
  "tls-silent",
  "connection-closed",
]);

/** And a preface of HTTP/2 that ends like this one with TLS. */
const mayBeTls: ReadonlySet<ProblemId> = new Set<ProblemId>(["connection-closed", "http2-silent", "not-http2"]);

/** The server showed a certificate, and it was not taken. */
export const certificateProblems: ReadonlySet<ProblemId> = new Set<ProblemId>([
  "certificate-expired",
  "certificate-not-yet-valid",
  "certificate-name",
  "certificate-untrusted",
]);

/** What a failed dial says of the address. `isTls`: that was spoken. */
export function problemOf(report: ProbeReport, failure: ProbeFailure, isTls: boolean): ProblemId {
  const code = String(failure.cause?.code ?? "");
  switch (failure.stage) {
    case "connect":
      return connectProblem(failure, code, report.address.startsWith("["));
    case "tls":
      return failure.kind === "connect-timeout" ? "tls-silent" : tlsProblem(code);
    case "settings":
      // A server that does not take a client's certificate says so after the client's own handshake (RFC 8446 §4.4.2.4).
      if (code.startsWith("ERR_SSL")) return tlsProblem(code);
      if (isTls && report.socket.alpn !== "h2") return "no-h2";
      if (failure.speaks !== undefined) return failure.speaks === "tls" ? "tls-port" : "http1-port";
      if (failure.kind === "connect-timeout") return "http2-silent";
      return failure.bytesRead > 0 && !isTls ? "not-http2" : "connection-closed";
    case "ping":
      return failure.kind === "ping-timeout" ? "ping-silent" : "connection-lost";
  }
}

function connectProblem({ kind }: ProbeFailure, code: string, isIpv6: boolean): ProblemId {
  if (kind === "connect-timeout" || code === "ETIMEDOUT") return "connect-silent";
  if (code === "ECONNREFUSED") return "refused";
  if (/^(ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|EAFNOSUPPORT)$/.test(code)) {
    return isIpv6 ? "ipv6-unreachable" : "unreachable";
  }
  // What is wrong with our own certificate shows before anything is sent.
  return /^ERR_(OSSL|TLS|CRYPTO)/.test(code) ? "tls-options" : "connect-failed";
}

const untrusted =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET)_.*|CERT_(UNTRUSTED|CHAIN_TOO_LONG|SIGNATURE_FAILURE)|INVALID_(CA|PURPOSE))$/;

function tlsProblem(code: string): ProblemId {
  if (code === "CERT_HAS_EXPIRED") return "certificate-expired";
  if (code === "CERT_NOT_YET_VALID") return "certificate-not-yet-valid";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "certificate-name";
  if (untrusted.test(code)) return "certificate-untrusted";
  if (/_ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_EXPIRED)$/.test(code)) {
    return "client-certificate";
  }
  if (/_ALERT_NO_APPLICATION_PROTOCOL$/.test(code)) return "no-h2";
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code)) return "plaintext-port";
  return code === "ECONNRESET" ? "connection-closed" : "tls-failed";
}

/** Whether dialling once more without TLS, or with it, may tell more. */
export function wantsOtherScheme(id: ProblemId, isTls: boolean): boolean {
  return (isTls ? mayBePlaintext : mayBeTls).has(id);
}

/** What a dial by the other scheme adds: undefined where it went no better. */
export function problemByOtherScheme(other: ProbeReport, isTls: boolean): ProblemId | undefined {
  if (!isTls) return other.tlsMs === undefined ? undefined : "tls-port";
  if (other.settingsMs !== undefined) return "plaintext-port";
  return other.failure?.speaks === "http/1.1" ? "http1-port" : undefined;
}

/** What was seen, in few words: advice is given apart. */
export function seen({ message, cause, kind, stage }: ProbeFailure): string {
  if (kind === "connect-timeout") return plain(`no answer to ${stepNames[stage]}`);
  const text = cause?.message ?? message;
  // OpenSSL writes thread, library and line around its reason: "…:error:0A00010B:SSL routines:f:wrong version number:…".
  const reason = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(text)?.[1];
  return plain(reason ?? text.replace(/^Hostname\/IP does not match certificate's altnames: /, ""));
}

const stepNames: Readonly<Record<ProbeFailure["stage"], string>> = {
  connect: "the TCP connect",
  tls: "the TLS handshake",
  settings: "the HTTP/2 preface",
  ping: "a PING",
};
