import { Code } from "@connectrpc/connect";
import type { Failure } from "../../base/errors.ts";
import { peerText } from "../../base/peer-text.ts";
import { codeOf, describeCause } from "../../base/thrown.ts";
import type { HttpProxy } from "./proxy.ts";

/** How far a dial got: each step has its own typical mistakes. */
export type DialStage = "connect" | "tls" | "settings";

/** What the peer has to answer in each. */
export const dialSteps: Readonly<Record<DialStage, string>> = {
  connect: "TCP connect",
  tls: "TLS handshake",
  settings: "HTTP/2 SETTINGS",
};

/** A dial ended without a connection. */
export function dialFailure(address: string, message: string, cause?: unknown): Failure {
  return { kind: "dial", code: Code.Unavailable, progress: "unsent", message, address, cause };
}

/** A dial took longer than `connectTimeoutMs`. */
export function connectTimeoutFailure(address: string, stage: DialStage, connectTimeoutMs: number): Failure {
  const message = `connecting took longer than connectTimeoutMs ${connectTimeoutMs}: no answer to the ${dialSteps[stage]}`;
  return { kind: "connect-timeout", code: Code.Unavailable, progress: "unsent", message, address };
}

/** The peer does TLS, and not HTTP/2 on top. */
export const noH2 = "h2 not negotiated: the server's TLS did not choose HTTP/2 by ALPN";

/** How a TLS handshake with a port that speaks plaintext ends. */
export const plaintextSigns: ReadonlySet<string | undefined> = new Set([
  "EPROTO",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ECONNRESET",
]);

/** The server's authority is none that this process knows. */
export const unknownAuthority: ReadonlySet<unknown> = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
]);

/**
 * How servers refuse a client without a certificate: with TLS 1.3 the first, with TLS 1.2 the others. Node's code is the
 * text of OpenSSL's reason, whose beginning differs between its versions ("SSLV3", "SSL/TLS").
 */
const wantsCertificate = /_ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE)$/;

const knowsNoAuthority = /_ALERT_UNKNOWN_CA$/;

const knowsNoProtocol = /_ALERT_NO_APPLICATION_PROTOCOL$/;

/** Which option may help. */
function tlsHint(code = ""): string {
  if (unknownAuthority.has(code)) return "; if the certificate is of an authority of your own, set nodeOptions.ca";
  if (wantsCertificate.test(code)) {
    return "; if the server wants a client certificate, set nodeOptions.cert and nodeOptions.key";
  }
  if (knowsNoAuthority.test(code)) {
    return "; the server does not know the authority of nodeOptions.cert";
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return "; if the certificate is right, set nodeOptions.servername to a name that it has";
  }
  return "";
}

/**
 * Says what went wrong, and with `advise` what a user may have mistaken: not where the target has worked before.
 * `bytesRead`: what the peer had sent until then.
 */
export function explainDial(stage: DialStage, bytesRead: number, cause: unknown, advise: boolean): string {
  // OpenSSL's texts end with a line break.
  const text = peerText(describeCause(cause).trim());
  const code = codeOf(cause);
  if (knowsNoProtocol.test(code ?? "")) return `${noH2} (${text})`;
  if (stage === "connect") return `cannot connect: ${text}`;
  if (stage === "tls") {
    const isPlaintext = advise && plaintextSigns.has(code);
    const hint = isPlaintext ? "; if the port speaks plaintext, use http:// in baseUrl" : tlsHint(code);
    return `TLS failed: ${text}${hint}`;
  }
  // With TLS 1.3 a server refuses a client's certificate only after the client's own handshake is over.
  if (code?.startsWith("ERR_SSL")) return `TLS failed: ${text}${tlsHint(code)}`;
  if (bytesRead > 0) {
    return advise
      ? `not HTTP/2, is this an HTTP/1.1 or a TLS port? What the peer sent is no SETTINGS frame: ${text}`
      : `not HTTP/2, what the peer sent is no SETTINGS frame: ${text}`;
  }
  const ended = "the connection ended before the peer sent its SETTINGS";
  return advise ? `${ended}, is this an HTTP/2 port? ${text}` : `${ended}: ${text}`;
}

/** The same of a backend that was dialled through a proxy, which had opened a tunnel to it. */
export function throughProxy({ url }: HttpProxy, failure: Failure): Failure {
  const inspects = failure.message.startsWith(noH2) || unknownAuthority.has(codeOf(failure.cause));
  const hint = inspects ? ", which may look into TLS: let it pass this target's through" : "";
  return { ...failure, message: `${failure.message} (through the proxy ${url}${hint})` };
}
