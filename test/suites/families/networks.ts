import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Two network namespaces, a client's and the servers', joined by a cable. For root on Linux. */
export interface Networks {
  /** The command that runs a program at one end: names are asked at `nameServer`. */
  command(end: End, program: readonly string[], nameServer: string): readonly [string, ...string[]];
  /** Runs `ip` with these arguments at one end. */
  ip(end: End, ...args: string[]): string;
  /** The Ethernet address of one end. */
  linkAddress(end: End): string;
  remove(): void;
}

export type End = "client" | "server";

const ends: readonly End[] = ["client", "server"];
const link = "cable";

/** Why there are no network namespaces here; undefined where there are. */
export function whyNoNetworks(): string | undefined {
  const name = `glink-probe-${process.pid}`;
  try {
    ip("netns", "add", name);
    ip("netns", "del", name);
    return undefined;
  } catch (error) {
    return `"ip netns add" does not work: ${(error as Error).message.split("\n").filter(Boolean).at(-1)}`;
  }
}

export function makeNetworks(): Networks {
  const folder = mkdtempSync(join(tmpdir(), "glink-families-"));
  const nameOf = (end: End) => `glink-${end}-${process.pid}`;
  const at = (end: End, ...args: string[]) => ip("-n", nameOf(end), ...args);
  for (const end of ends) ip("netns", "add", nameOf(end));
  ip("link", "add", link, "netns", nameOf("client"), "type", "veth", "peer", "name", link, "netns", nameOf("server"));
  for (const end of ends) {
    at(end, "link", "set", "lo", "up");
    at(end, "link", "set", link, "up");
  }
  return {
    command(end, program, nameServer) {
      const resolvConf = join(folder, `${end}-resolv.conf`);
      writeFileSync(resolvConf, `nameserver ${nameServer}\n`);
      // A mount that only the program sees: `ip netns exec` gives it a mount namespace of its own.
      const script = `mount --bind ${resolvConf} /etc/resolv.conf && exec "$@"`;
      return ["ip", "netns", "exec", nameOf(end), "sh", "-c", script, "sh", ...program];
    },
    ip: at,
    linkAddress: (end) => (JSON.parse(at(end, "-json", "link", "show", link)) as [{ address: string }])[0].address,
    remove() {
      for (const end of ends) ip("netns", "del", nameOf(end));
      rmSync(folder, { recursive: true });
    },
  };
}

function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
