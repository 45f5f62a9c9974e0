import { parseArgs } from "node:util";
import { plain } from "./output.ts";

/** What the command line cannot mean. Its message is for the person who wrote it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const protocols = ["grpc", "grpc-web", "connect"] as const;

/** How calls are written. */
export type ProtocolChoice = (typeof protocols)[number];

/** Whom to connect to, and how: what both commands take. */
export interface Reach {
  readonly url: string;
  readonly timeoutMs: number;
  readonly protocol: ProtocolChoice;
  /** Files. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly servername: string | undefined;
}

export interface CheckCommand extends Reach {
  readonly name: "check";
  /** That is asked after; empty: the server as a whole. */
  readonly service: string;
  readonly json: boolean;
}

export interface WatchCommand {
  readonly name: "watch";
  /** A pool of its own, or somebody else's page. */
  readonly source: Reach | { readonly admin: string };
  readonly intervalMs: number;
  readonly json: boolean;
}

export type Command = CheckCommand | WatchCommand | { readonly name: "help" } | { readonly name: "version" };

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

const reachOptions = { timeout: text, protocol: text, ca: text, cert: text, key: text, servername: text } as const;

/** The options of each command: docs/cli.md has all of them. */
export const commandOptions = {
  check: { ...reachOptions, service: text, json: flag, help: { ...flag, short: "h" } },
  watch: { ...reachOptions, admin: text, interval: text, json: flag, help: { ...flag, short: "h" } },
} as const;

/** Reads the arguments of the process. Throws a {@link UsageError}. */
export function readCommand(args: readonly string[]): Command {
  const [name = "help", ...rest] = args;
  switch (name) {
    case "check":
      return readCheck(rest);
    case "watch":
      return readWatch(rest);
    case "help":
    case "--help":
    case "-h":
      return { name: "help" };
    case "version":
    case "--version":
    case "-v":
      return { name: "version" };
    default:
      if (/^https?:/.test(name)) throw new UsageError(`say what to do with it: glink check ${plain(name)}`);
      throw new UsageError(`there is no command ${JSON.stringify(plain(name))}: it is check or watch`);
  }
}

function readCheck(args: readonly string[]): Command {
  const { values, positionals } = parsed(() =>
    parseArgs({ args: [...args], options: commandOptions.check, allowPositionals: true }),
  );
  if (values.help) return { name: "help" };
  const { service = "", json = false } = values;
  return { name: "check", ...reachOf(onlyUrl("check", positionals), values), service, json };
}

function readWatch(args: readonly string[]): Command {
  const { values, positionals } = parsed(() =>
    parseArgs({ args: [...args], options: commandOptions.watch, allowPositionals: true }),
  );
  if (values.help) return { name: "help" };
  const { admin, json = false } = values;
  const common = { name: "watch", intervalMs: durationMs("--interval", values.interval ?? "1s"), json } as const;
  if (admin === undefined) return { ...common, source: reachOf(onlyUrl("watch", positionals), values) };
  const idle = [
    ...positionals,
    ...Object.keys(reachOptions)
      .filter((name) => name in values)
      .map((name) => `--${name}`),
  ];
  if (idle.length > 0)
    throw new UsageError(`--admin shows another process' pools: leave out ${plain(idle.join(", "))}`);
  return { ...common, source: { admin: adminUrl(admin) } };
}

/** Node's own texts explain more than a person needs. */
function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      plain(message.replace(/\. To specify a positional argument.*$/s, "").replace(/^Unknown/, "unknown")),
    );
  }
}

function onlyUrl(command: string, positionals: readonly string[]): string {
  const [url, ...more] = positionals;
  if (url === undefined) throw new UsageError(`give a URL: glink ${command} http://echo.default.svc:50051`);
  if (more.length > 0) throw new UsageError(`one URL at a time, and not ${plain(more.join(" "))} too`);
  if (!/^https?:\/\//i.test(url)) {
    const host = plain(url.replace(/^[a-z]+:\/+/i, ""));
    throw new UsageError(
      `the URL needs a scheme: http://${host} for a server without TLS, https://${host} for one with TLS`,
    );
  }
  return url;
}

function reachOf(url: string, values: { readonly [name in keyof typeof reachOptions]?: string | undefined }): Reach {
  const { timeout = "5s", protocol = "grpc", ca, cert, key, servername } = values;
  const known = protocols.find((name) => name === protocol);
  if (known === undefined) throw new UsageError(`--protocol is ${protocols.join(", ")}, and not ${plain(protocol)}`);
  if ((cert === undefined) !== (key === undefined)) throw new UsageError("--cert and --key go together");
  const ofTls = Object.entries({ ca, cert, key, servername }).filter(([, value]) => value !== undefined);
  if (ofTls.length > 0 && /^http:/i.test(url)) {
    throw new UsageError(`--${ofTls[0]?.[0]} is for TLS: write https:// in the URL, or leave it out`);
  }
  return { url, timeoutMs: durationMs("--timeout", timeout), protocol: known, ca, cert, key, servername };
}

/** An address that a browser would show too. */
function adminUrl(given: string): string {
  try {
    const url = new URL(given);
    if (url.protocol === "http:" || url.protocol === "https:")
      return url.href.endsWith("/") ? url.href : `${url.href}/`;
  } catch {
    // Said below.
  }
  throw new UsageError(
    `--admin is the address of a page of glink/admin, http://127.0.0.1:9901 say, and not ${plain(given)}`,
  );
}

/** `5s`, `500ms`, `2m`, or seconds. */
function durationMs(option: string, given: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(given);
  const ms = Number(match?.[1]) * ({ ms: 1, s: 1_000, m: 60_000 }[match?.[2] ?? "s"] ?? Number.NaN);
  if (ms >= 1 && ms <= 3_600_000) return ms;
  throw new UsageError(`${option} is a time such as 500ms, 5s or 2m, up to 60m, and not ${plain(given)}`);
}
