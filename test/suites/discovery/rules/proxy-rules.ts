import { groupOf, type RuleGroup } from "./rule.ts";

const integration = "behaviour/integration/proxy.test.ts";
const faults = "behaviour/faults/proxy.test.ts";
const options = "unit/http2/dial/proxy.test.ts";

/** HTTP proxies between a client and its backends. */
export const proxyRules: RuleGroup = groupOf("Proxies", "P", [
  {
    rule: "CONNECT for each backend's connection, balanced all the same, over plaintext and TLS, of the proxy and of the backend",
    tests: [
      `${integration}: two backends behind a proxy share calls evenly, a connection each: \${name}, \${http2} engine`,
      `${integration}: a proxy that cuts all its tunnels costs nothing but new ones: calls are repeated over them`,
    ],
  },
  {
    rule: "Credentials go to the proxy, and into no log, error, event or snapshot",
    tests: [
      `${integration}: a proxy gets the credentials of its URL, and no log, event, error or snapshot does`,
      `${faults}: a proxy that says again what it was told shows no credentials`,
      `${options}: a bad URL of the environment is refused by the variable's name, without its password`,
      `${options}: a proxy's URL has its scheme's port, and shows no credentials`,
    ],
  },
  {
    rule: "The environment as grpc-go reads it: grpc_proxy, https_proxy, no_proxy",
    tests: [
      `${options}: of the environment grpc_proxy counts first, then https_proxy in capitals, and a scheme may be missing`,
      `${options}: no_proxy "\${list}": \${host}:\${port} \${isExcepted ? "passes the proxy by" : "goes through the proxy"}`,
      `${options}: what no_proxy excepts may be a backend's address, and a Unix socket never is behind a proxy`,
    ],
  },
  {
    rule: "Errors tell proxy from backend",
    tests: [
      `${faults}: a proxy that \${name}: Unavailable, of the kind "proxy", and says what to do`,
      `${faults}: a proxy that refuses connections is not taken for backends with a wrong port`,
      `${faults}: behind a proxy, what a backend does wrong is the backend's, and the text says through which proxy`,
      `${faults}: a deadline that ends while the proxy is silent names the proxy, and what it has not answered`,
    ],
  },
  {
    rule: "An answer in pieces, interim answers, and a backend that speaks first",
    tests: [
      `${faults}: an answer that comes byte by byte, after an interim one and with the backend's first bytes, opens the tunnel`,
    ],
  },
  {
    rule: "A name that only the proxy can look up",
    tests: [`${integration}: a name that only the proxy knows is asked of the proxy, where the resolver names it`],
  },
  {
    rule: "Squid and tinyproxy",
    tests: ["suites/discovery/run.ts: throughProxy"],
    reason: "`npm run discovery`, where they are installed",
  },
]);
