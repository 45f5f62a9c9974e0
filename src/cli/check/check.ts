import { glinkTransport, probe } from "../../index.ts";
import { type CheckCommand, UsageError } from "../arguments.ts";
import type { ExitCode } from "../exit-codes.ts";
import { type Output, plain } from "../output.ts";
import { tlsOptions } from "../tls-files.ts";
import { type AddressReport, type AddressToCheck, checkAddress } from "./address-check.ts";
import { reportJson } from "./json.ts";
import { lookUp, type Names } from "./names.ts";
import { TextReport } from "./report.ts";
import { judgedProblems, nameProblems, verdictOf } from "./verdict.ts";

/** Addresses that are dialled at a time: many at once would measure each other. */
const atOnce = 8;

/** `glink check URL`. Throws a {@link UsageError} for a URL or a file that is no good. */
export async function check(command: CheckCommand, output: Output): Promise<ExitCode> {
  const { url: baseUrl, timeoutMs, protocol, service, json } = command;
  const question = { baseUrl, tls: tlsOptions(command), timeoutMs, protocol, service };
  await checkUrl(baseUrl);
  if (output.isTerminal && !json) output.talk(`checking ${plain(baseUrl)} …`);
  const names = await lookUp(baseUrl, timeoutMs);
  await warmUp(baseUrl);
  const text = json ? undefined : new TextReport(output);
  text?.names(names, nameProblems(names));
  const all: AddressReport[] = [];
  for (const pending of inTurn(addressesOf(names), (one) => checkAddress(one, question))) {
    const report = await pending;
    all.push(report);
    // Those that count only where others fail come after the others.
    text?.address(report, judgedProblems(report, all));
  }
  const verdict = verdictOf(names, all);
  text?.end(verdict, all);
  if (json) output.json(reportJson(command, names, all, verdict));
  return verdict.exitCode;
}

/**
 * The first dial of a process loads and compiles what dials need, tens of milliseconds that would be told as the peer's: one
 * to a socket that does not exist takes them.
 */
async function warmUp(baseUrl: string): Promise<void> {
  await probe({ path: "/no/such/socket" }, { baseUrl, connectTimeoutMs: 1_000 });
}

function addressesOf({ addresses, fallback }: Names): readonly AddressToCheck[] {
  return [
    ...addresses.map((address) => ({ address, isFallback: false })),
    ...fallback.map((address) => ({ address, isFallback: true })),
  ];
}

/** A few at a time: each begins when the one {@link atOnce} before it has ended. */
function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): readonly Promise<R>[] {
  const begun: Promise<R>[] = [];
  for (const item of items) {
    const before = begun[begun.length - atOnce];
    begun.push(before === undefined ? work(item) : before.then(() => work(item)));
  }
  return begun;
}

/** A transport knows best what it takes. */
async function checkUrl(baseUrl: string): Promise<void> {
  try {
    await glinkTransport({ baseUrl }).close();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(plain(error.message.replace(/^baseUrl/, "the URL")));
  }
}
