import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** An HTTP proxy that others wrote, on 127.0.0.1, which wants the credentials me:secret. */
export interface RealProxy {
  readonly name: string;
  readonly packageName: string;
  readonly program: string;
  /** Writes what it needs into `folder` and returns its arguments. It allows CONNECT to `allowedPorts` alone. */
  configure(folder: string, port: number, allowedPorts: readonly number[]): readonly string[];
  /** Its answer to a port that is not allowed. */
  readonly refusal: RegExp;
}

function write(folder: string, name: string, content: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o777 });
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const tinyproxy: RealProxy = {
  name: "tinyproxy",
  packageName: "tinyproxy-bin",
  program: "tinyproxy",
  configure: (folder, port, allowedPorts) => [
    "-d",
    "-c",
    write(
      folder,
      "tinyproxy.conf",
      `Port ${port}
Listen 127.0.0.1
Timeout 600
MaxClients 100
BasicAuth me secret
${allowedPorts.map((allowed) => `ConnectPort ${allowed}`).join("\n")}
`,
    ),
  ],
  refusal: /with 403 Access violation: its rules forbid it/,
};

const squid: RealProxy = {
  name: "Squid",
  packageName: "squid",
  program: "squid",
  configure(folder, port, allowedPorts) {
    // Its helper is told a name and a password, and says whether they are right.
    const helper = write(
      folder,
      "auth.sh",
      '#!/bin/sh\nwhile read -r line; do [ "$line" = "me secret" ] && echo OK || echo ERR; done\n',
    );
    const configuration = `http_port 127.0.0.1:${port}
pid_filename none
cache deny all
cache_log stdio:/dev/stderr
access_log none
coredump_dir none
shutdown_lifetime 0 seconds
auth_param basic program /bin/sh ${helper}
auth_param basic realm glink
acl known proxy_auth REQUIRED
acl allowed_ports port ${allowedPorts.join(" ")}
http_access deny CONNECT !allowed_ports
http_access allow known
http_access deny all
`;
    return ["-N", "-f", write(folder, "squid.conf", configuration)];
  },
  refusal: /with 403 Forbidden: its rules forbid it/,
};

export const realProxies: readonly RealProxy[] = [tinyproxy, squid];
