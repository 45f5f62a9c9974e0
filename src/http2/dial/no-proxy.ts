import { ipVersion } from "../../base/ip-version.ts";
import { isLoopback } from "../../endpoint/address.ts";
import { builtinModule } from "../../runtime/builtin-modules.ts";

/** Whether connections to `host`, a name or an IP literal, and `port` pass a proxy by. */
export type ProxyExceptions = (host: string, port: number) => boolean;

/** One entry of a list. */
type Exception = (host: string, port: number, family: number) => boolean;

/**
 * Reads `no_proxy` as Go's programs do: names separated by commas, each of which stands for itself and what is under it
 * (`.example.com` and `*.example.com` only for what is under it), IP addresses, networks (`10.0.0.0/8`), and `*` for
 * everything; each but a network with a port or without. What cannot be read is passed over. This machine itself, as
 * `localhost` and its loopback addresses, never is behind a proxy.
 */
export function readNoProxy(text: string): ProxyExceptions {
  const entries = text
    .toLowerCase()
    .split(",")
    .map((entry) => entry.trim());
  if (entries.includes("*")) return () => true;
  const exceptions = entries.flatMap((entry) => exceptionOf(entry) ?? []);
  return (host, port) => {
    const name = host.toLowerCase();
    const family = ipVersion(name);
    if (name === "localhost" || isLoopback(name)) return true;
    return exceptions.some((excepts) => excepts(name, port, family));
  };
}

function exceptionOf(entry: string): Exception | undefined {
  const network = /^([^/]+)\/(\d{1,3})$/.exec(entry);
  if (network !== null) return networkException(network[1] as string, Number(network[2]));
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
  // An IPv6 address without brackets has no port.
  const host = ipVersion(entry) === 6 ? entry : (bracketed ?? plain);
  if (host === undefined) return undefined;
  const ofPort = (port: number) => digits === undefined || port === Number(digits);
  if (ipVersion(host) !== 0) {
    const same = networkException(host, ipVersion(host) === 4 ? 32 : 128);
    return (other, port, family) => ofPort(port) && same?.(other, port, family) === true;
  }
  const suffix = host.replace(/^\*?\.?/, ".");
  const itself = host.startsWith(".") || host.startsWith("*.") ? undefined : host;
  return (other, port) => ofPort(port) && (other === itself || other.endsWith(suffix));
}

function networkException(address: string, prefix: number): Exception | undefined {
  const family = ipVersion(address);
  if (family === 0 || prefix > (family === 4 ? 32 : 128)) return undefined;
  const { BlockList } = builtinModule("node:net");
  const list = new BlockList();
  list.addSubnet(address, prefix, familyName(family));
  return (other, _port, otherFamily) => otherFamily !== 0 && list.check(other, familyName(otherFamily));
}

function familyName(family: number): "ipv4" | "ipv6" {
  return family === 4 ? "ipv4" : "ipv6";
}
