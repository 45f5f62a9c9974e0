import { mayHoldPassword, quoted } from "../base/check.ts";
import { ipVersion } from "../base/ip-version.ts";
import { peerText } from "../base/peer-text.ts";

/** Where one backend listens: an IP address or host name with a port, or the path of a Unix socket. */
export type Address = TcpAddress | UnixAddress;

/** A TCP backend. `host` is best an IP literal; a name is looked up by the operating system at every dial. */
export interface TcpAddress {
  /** An IP address, or a name that is looked up as it is dialled. IPv6 without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** A backend on a Unix domain socket. */
export interface UnixAddress {
  /** The path of the socket; a leading NUL or "@" names Linux' abstract namespace. */
  readonly path: string;
}

/** The text of an address, unique per backend: `10.0.0.1:50051`, `[::1]:50051`, `unix:/run/echo.sock`. */
export function formatAddress(address: Address): string {
  if ("path" in address) return `unix:${address.path}`;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether nobody but programs on this machine can be there. */
export function isOnThisMachine(address: Address): boolean {
  return "path" in address || isLoopback(address.host);
}

/** Whether an IP literal, in its usual spelling, is one of this machine for itself. */
export function isLoopback(host: string): boolean {
  return host === "::1" || (ipVersion(host) === 4 && host.startsWith("127."));
}

/**
 * Reads `host:port`, `[v6]:port`, `unix:path`, or a bare host when `defaultPort` is given.
 * Throws a TypeError that quotes the text when it is none of these.
 */
export function parseAddress(text: string, defaultPort?: number): Address {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (path === "") throw new TypeError('address "unix:" has no path: write unix:/run/my.sock');
    return { path };
  }
  if (ipVersion(text) === 6 && defaultPort !== undefined) return checkAddress({ host: text, port: defaultPort });
  const match = /^(?:\[([^\]]+)\]|([^:[\]/\s@]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined || (match[1] !== undefined && ipVersion(host) !== 6)) {
    throw new TypeError(`address ${quoted(text)} is not of the form host:port, [v6]:port or unix:path`);
  }
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  if (port === undefined) throw new TypeError(`address ${quoted(text)} has no port: write ${text}:50051, say`);
  return checkAddress({ host, port });
}

/**
 * Returns the address as an object of our own, with the fields of one kind and no others and an IP literal in its one
 * usual spelling, or throws a TypeError or RangeError that says what is wrong with it.
 */
export function checkAddress(address: Address): Address {
  if (typeof address === "object" && address !== null) {
    if ("path" in address && typeof address.path === "string" && address.path !== "") {
      // The other way to write the abstract namespace, which can be shown.
      return { path: checkShown("path", address.path.replace(/^\0/, "@")) };
    }
    if ("host" in address && typeof address.host === "string" && address.host !== "") {
      const { port } = address;
      const host = checkShown("host", address.host);
      if (Number.isInteger(port) && port >= 1 && port <= 65_535) return { host: usualSpelling(host), port };
      const shown = mayHoldPassword(host) ? quoted(host) : host;
      throw new RangeError(`port ${String(port)} of address ${shown} is not an integer from 1 to 65535`);
    }
  }
  const json = JSON.stringify(address) ?? String(address);
  const shown = mayHoldPassword(json) ? quoted(json) : json;
  throw new TypeError(`${shown} is not an address: give {host, port}, {path} or "host:port"`);
}

/** Addresses are in every log, event, metric and page as they are: no text of a registry may do more there than be read. */
function checkShown(name: "host" | "path", text: string): string {
  const shown = peerText(text, Number.POSITIVE_INFINITY);
  if (shown === text) return text;
  throw new TypeError(
    `the ${name} ${quoted(peerText(text))} of an address has characters that are not shown as they are`,
  );
}

/**
 * One spelling for each IP address, so that a backend counts once: an IPv6 literal as RFC 5952 writes it, and one that
 * only stands for an IPv4 address (`::ffff:10.0.0.1`, RFC 4291 §2.5.5.2) as that address.
 */
function usualSpelling(host: string): string {
  if (ipVersion(host) !== 6) return host;
  const [literal, zone] = host.split("%");
  const spelling = new URL(`http://[${literal}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(spelling);
  if (mapped === null) return zone === undefined ? spelling : `${spelling}%${zone}`;
  const [, high, low] = mapped.map((hex) => Number.parseInt(hex, 16)) as [number, number, number];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
