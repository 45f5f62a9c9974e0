import { Code } from "@connectrpc/connect";
import type { Failure } from "../../base/errors.ts";
import { peerText } from "../../base/peer-text.ts";
import { codeOf, describeCause } from "../../base/thrown.ts";
import type { ProxyAnswer } from "./connect-request.ts";
import { plaintextSigns, unknownAuthority } from "./dial-failure.ts";
import type { HttpProxy } from "./proxy.ts";

/** How far the way to the proxy was gone. */
export type ProxyStage = "connect" | "tls" | "answer";

/** What the proxy has to answer in each. */
export const proxySteps: Readonly<Record<ProxyStage, string>> = {
  connect: "TCP connect",
  tls: "TLS handshake",
  answer: "CONNECT request",
};

/** A dial ended at the proxy: it says nothing of the backend, unless the proxy does. `address`: the backend's. */
export function proxyFailure(address: string, message: string, cause?: unknown): Failure {
  return { kind: "proxy", code: Code.Unavailable, progress: "unsent", message, address, cause };
}

/** Why there is no connection to the proxy, or no answer of it. */
export function explainProxyLoss({ url, tls }: HttpProxy, address: string, stage: ProxyStage, cause: unknown): string {
  // OpenSSL's texts end with a line break.
  const text = peerText(describeCause(cause).trim());
  const code = codeOf(cause);
  if (stage === "connect") {
    const isElsewhere = code === "ECONNREFUSED" || code === "ENOTFOUND";
    const hint = isElsewhere ? "; are its host and port right?" : "";
    return `cannot connect to the proxy ${url}: ${text}${hint}`;
  }
  if (stage === "tls") return `TLS with the proxy ${url} failed: ${text}${tlsHint(code)}`;
  const lost = `the proxy ${url} ended the connection instead of answering CONNECT ${address}: ${text}`;
  return `${lost}; is it an HTTP proxy that allows CONNECT${tls === undefined ? ", or one that speaks TLS (https://)" : ""}?`;
}

function tlsHint(code: string | undefined): string {
  if (plaintextSigns.has(code)) return "; if it speaks plaintext, begin its URL with http://";
  if (!unknownAuthority.has(code)) return "";
  return "; if the certificate is of an authority of your own, set proxy.tls.ca or NODE_EXTRA_CA_CERTS";
}

export function explainProxyTimeout({ url }: HttpProxy, stage: ProxyStage, connectTimeoutMs: number): string {
  const hint = stage === "answer" ? "; it may wait for a backend that it cannot reach" : "";
  return `the proxy ${url} has not answered the ${proxySteps[stage]} within connectTimeoutMs ${connectTimeoutMs}${hint}`;
}

/** It says something that no HTTP proxy says. */
export function explainNonsense({ url, tls }: HttpProxy, what: string): string {
  const hint = tls === undefined ? ", or one that speaks TLS (https://)" : "";
  return `the proxy ${url} cannot be used, ${what}: is it an HTTP proxy${hint}?`;
}

/** It opens no tunnel. */
export function explainRefusal(proxy: HttpProxy, address: string, answer: ProxyAnswer): string {
  const said = peerText(`${answer.status} ${withoutSecrets(answer.reason, proxy)}`.trim());
  return `the proxy ${proxy.url} answered CONNECT ${address} with ${said}: ${adviceFor(proxy, answer)}`;
}

/** A proxy may say again what it was told. */
function withoutSecrets(text: string, { authorization }: HttpProxy): string {
  if (authorization === undefined) return text;
  const [, encoded = ""] = authorization.split(" ");
  const credentials = Buffer.from(encoded, "base64").toString();
  const password = credentials.slice(credentials.indexOf(":") + 1);
  const secrets = [encoded, password, encodeURIComponent(password)].filter((secret) => secret !== "");
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, "***"), text);
}

function adviceFor(proxy: HttpProxy, { status, schemes }: ProxyAnswer): string {
  switch (status) {
    case 407:
      if (schemes.length > 0 && !schemes.some((scheme) => scheme.toLowerCase() === "basic")) {
        const wanted = peerText(withoutSecrets(schemes.join(" or "), proxy));
        return `it wants credentials by ${wanted}, and only Basic is spoken here`;
      }
      return proxy.authorization === undefined
        ? "it wants credentials, as in http://user:password@proxy:3128"
        : "it does not accept the credentials of its URL";
    case 403:
    case 405:
      return "its rules forbid it; many proxies allow CONNECT to port 443 alone until told otherwise";
    case 502:
    case 503:
    case 504:
      return "it cannot reach the backend; is that an address which the proxy knows?";
    default:
      return "it opened no tunnel";
  }
}
