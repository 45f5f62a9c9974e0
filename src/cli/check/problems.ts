import { plain } from "../output.ts";

/** Everything that `check` can find, by the id that its JSON says. docs/cli.md explains each. */
export const problemKinds = {
  "name-not-found": {
    severity: "error",
    advice: "check the spelling; in Kubernetes, that the Service exists, as name.namespace.svc.cluster.local",
  },
  "name-server-silent": {
    severity: "error",
    advice: "the DNS server does not answer: look at /etc/resolv.conf, and at network policies for port 53",
  },
  "name-failed": { severity: "error", advice: "the lookup failed: look at /etc/resolv.conf and the DNS server" },
  "single-address": {
    severity: "warning",
    advice: "a Service with a cluster IP gives all calls to one pod: make it headless (clusterIP: None)",
  },
  "lookups-differ": {
    severity: "warning",
    advice: "hosts file or search domains: dnsResolver({ servers }) would use other addresses than the default does",
  },
  refused: {
    severity: "error",
    advice: "nothing listens there: is the server up, on this port, and not on another address (127.0.0.1) alone?",
  },
  "refused-everywhere": {
    severity: "error",
    advice:
      "is it the port that the server itself listens on? In Kubernetes, a headless Service does not map port to targetPort",
  },
  unreachable: { severity: "error", advice: "there is no route from here: is this machine in the right network?" },
  "ipv6-unreachable": {
    severity: "error",
    advice: "this machine has no IPv6 network: glink uses the IPv4 addresses, where the name has any",
  },
  "connect-failed": { severity: "error", advice: "TCP does not connect" },
  "connect-silent": {
    severity: "error",
    advice: "packets are dropped: look at firewalls and network policies; the address may be of a machine that is gone",
  },
  "connection-closed": {
    severity: "error",
    advice: "the server accepts and hangs up: is this a port of another protocol, or does it refuse this client?",
  },
  "plaintext-port": { severity: "error", advice: "the port speaks HTTP/2 without TLS: write http:// in the URL" },
  "tls-port": { severity: "error", advice: "the port speaks TLS: write https:// in the URL" },
  "http1-port": {
    severity: "error",
    advice: "the port speaks HTTP/1.1 without TLS, and no HTTP/2: use the gRPC port, or switch HTTP/2 (h2c) on there",
  },
  "not-http2": { severity: "error", advice: "what answers is no HTTP/2: is this the right port?" },
  "http2-silent": {
    severity: "error",
    advice: "TCP is accepted, and then nothing comes: the process is frozen or overloaded, or speaks another protocol",
  },
  "tls-silent": {
    severity: "error",
    advice: "TCP is accepted, and TLS is not answered: the process is frozen or overloaded, or speaks no TLS",
  },
  "tls-failed": { severity: "error", advice: "TLS cannot be agreed on: the text above is OpenSSL's" },
  "tls-options": {
    severity: "error",
    advice: "the files of --ca, --cert and --key cannot be used: do cert and key match?",
  },
  "no-h2": {
    severity: "error",
    advice: "TLS works, and the server does not choose h2 by ALPN: switch HTTP/2 on there, or on the proxy before it",
  },
  "certificate-expired": { severity: "error", advice: "renew the server's certificate, and see that it is reloaded" },
  "certificate-not-yet-valid": { severity: "error", advice: "compare the clocks of this machine and the server" },
  "certificate-expires-soon": { severity: "warning", advice: "renew the server's certificate" },
  "certificate-name": {
    severity: "error",
    advice: "if it is the right server, use one of its names: --servername here, nodeOptions.servername in the options",
  },
  "certificate-untrusted": {
    severity: "error",
    advice: "if the authority is your own, give its certificate: --ca here, nodeOptions.ca in the options",
  },
  "client-certificate": {
    severity: "error",
    advice:
      "the server wants a client certificate that it knows: --cert and --key here, nodeOptions.cert and .key there",
  },
  "ping-silent": {
    severity: "error",
    advice: "the server does not answer HTTP/2 PINGs: it hangs, or a proxy on the way does",
  },
  "connection-lost": {
    severity: "error",
    advice: "the connection was made and lost at once: look at the server's log",
  },
  "no-streams": {
    severity: "error",
    advice: "the server allows no calls (SETTINGS_MAX_CONCURRENT_STREAMS is 0): it is overloaded or shuts down",
  },
  "protocol-mismatch": { severity: "error", advice: "use --protocol here, and the option protocol of glinkTransport" },
  "not-rpc": {
    severity: "error",
    advice: "a web server or a proxy answers: use the port of the gRPC server, or look at the proxy's routes",
  },
  "health-refused": {
    severity: "warning",
    advice: "the health check wants credentials, which check does not send: the address works",
  },
  "health-failed": {
    severity: "error",
    advice: "the connection works, and the health check does not: is it the gRPC port? If so, look at the server's log",
  },
  "not-serving": {
    severity: "error",
    advice: "the server says so itself: it starts, shuts down, or lacks what it needs",
  },
  "service-unknown": {
    severity: "error",
    advice: "the server's health service does not know it: is --service spelled as in its proto, package.Service?",
  },
} as const satisfies Record<string, { readonly severity: "error" | "warning"; readonly advice: string }>;

export type ProblemId = keyof typeof problemKinds;

/** Something that is wrong, or may be. */
export interface Problem {
  readonly id: ProblemId;
  /** A warning leaves the verdict good. */
  readonly severity: "error" | "warning";
  /** Undefined: of the name, or of all addresses. */
  readonly address: string | undefined;
  /** What was seen. */
  readonly message: string;
  /** What to do. */
  readonly advice: string;
}

export function problem(id: ProblemId, message: string, address?: string): Problem {
  return { id, address, message: plain(message), ...problemKinds[id] };
}

/** These say that the address works, and not for this. */
export const servingProblems: ReadonlySet<ProblemId> = new Set<ProblemId>(["not-serving", "service-unknown"]);
