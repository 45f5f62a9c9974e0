import type { ProbeReport } from "../../index.ts";
import { exitCode } from "../exit-codes.ts";
import { type Output, plain } from "../output.ts";
import { bytes, milliseconds, plural, wrapped } from "../texts.ts";
import { type AddressReport, daysLeft } from "./address-check.ts";
import type { Names } from "./names.ts";
import type { Problem } from "./problems.ts";
import type { Verdict } from "./verdict.ts";

const indent = "       ";

/** Writes what `check` finds for a person, as it is found. */
export class TextReport {
  readonly #output: Output;
  readonly #told = new Set<Problem["id"]>();

  constructor(output: Output) {
    this.#output = output;
  }

  names(names: Names, problems: readonly Problem[]): void {
    const { host, isLiteral, error, tookMs, addresses, fallback, servers } = names;
    if (isLiteral) return;
    const all = [...addresses, ...fallback];
    const ofFamily = (family: 4 | 6) =>
      all.filter((one) => "host" in one && one.host.includes(":") === (family === 6)).length;
    const families = ([4, 6] as const).filter((family) => ofFamily(family) > 0);
    const counts = families.map((family) => `${ofFamily(family)} IPv${family}`).join(", ");
    const byServers =
      servers === undefined
        ? ""
        : servers.error === undefined
          ? `, by the DNS servers in ${milliseconds(servers.tookMs)}`
          : ", not known to the DNS servers as it is written";
    this.#row(problems, plain(host), error === undefined ? `${counts} in ${milliseconds(tookMs)}${byServers}` : "");
    this.#problems(problems);
  }

  address(report: AddressReport, problems: readonly Problem[]): void {
    const { probe, isFallback, health } = report;
    const steps = [
      ...(probe.connectMs === undefined ? [] : [`TCP ${milliseconds(probe.connectMs)}`]),
      ...(probe.tlsMs === undefined ? [] : [`TLS ${milliseconds(probe.tlsMs)}`]),
      ...(probe.settingsMs === undefined ? [] : [`HTTP/2 ${milliseconds(probe.settingsMs)}`]),
      ...(probe.pingMs.length === 0 ? [] : [`PING ${milliseconds(Math.min(...probe.pingMs))}`]),
      ...(health === undefined ? [] : [healthWords[health.state]]),
      ...(isFallback ? ["fallback"] : []),
    ];
    this.#row(problems, plain(probe.address), steps.join(", "));
    for (const line of details(report)) this.#indented(line, "dim");
    this.#problems(problems);
  }

  /** What concerns all addresses, and the last word. */
  end(verdict: Verdict, reports: readonly AddressReport[]): void {
    const ofAll = verdict.problems.filter(({ address, id }) => address === undefined && !this.#told.has(id));
    this.#problems(ofAll);
    const bad = new Set(verdict.problems.filter(({ severity }) => severity === "error").map(({ address }) => address));
    const good = reports.filter(({ probe }) => !bad.has(probe.address)).length;
    const count = reports.length < 2 ? "" : `${good} of ${plural(reports.length, "address", "addresses")} good: `;
    const words = verdictWords[verdict.exitCode];
    this.#output.line(this.#output.paint(verdict.ok ? "green" : "red", `${count}${words}`));
  }

  #row(problems: readonly Problem[], subject: string, facts: string): void {
    const hasErrors = problems.some(({ severity }) => severity === "error");
    const [look, word] = hasErrors
      ? (["red", "bad "] as const)
      : problems.length > 0
        ? (["yellow", "warn"] as const)
        : (["green", "ok  "] as const);
    const [first = "", ...rest] = wrapped(`${subject}  ${facts}`.trimEnd(), this.#output.columns - indent.length);
    const bold = this.#output.paint("bold", first.slice(0, subject.length));
    this.#output.line(`${this.#output.paint(look, word)}   ${bold}${first.slice(subject.length)}`);
    for (const line of rest) this.#output.line(indent + line);
  }

  #problems(problems: readonly Problem[]): void {
    for (const { id, message, advice, severity } of problems) {
      const look = severity === "error" ? "red" : "yellow";
      this.#indented(`${id}: ${plain(message)}`, look);
      // The same advice once: a hundred pods may have the same fault.
      if (!this.#told.has(id)) this.#indented(`→ ${advice}`);
      this.#told.add(id);
    }
  }

  #indented(text: string, look?: "dim" | "red" | "yellow"): void {
    for (const line of wrapped(text, this.#output.columns - indent.length)) {
      this.#output.line(indent + (look === undefined ? line : this.#output.paint(look, line)));
    }
  }
}

const healthWords: Readonly<Record<NonNullable<AddressReport["health"]>["state"], string>> = {
  serving: "SERVING",
  "not-serving": "not SERVING",
  "service-unknown": "unknown service",
  unimplemented: "no health service",
  refused: "health check refused",
  mismatch: "another protocol",
  "not-rpc": "no RPC",
  failed: "health check failed",
};

const verdictWords: Readonly<Record<Verdict["exitCode"], string>> = {
  [exitCode.good]: "all is well",
  [exitCode.usage]: "",
  [exitCode.notResolved]: "the name cannot be resolved",
  [exitCode.someBad]: "some addresses are bad",
  [exitCode.allBad]: "no address can be used",
  [exitCode.notServing]: "not SERVING",
};

function details({ probe, certificate, problems }: AddressReport): string[] {
  const lines: string[] = [];
  const { tls, alpn } = probe.socket;
  if (tls !== undefined) lines.push(`${tls.protocol}, ${tls.cipher}, ALPN ${alpn ?? "none"}`);
  // A certificate that was not taken is in its problem.
  if (certificate !== undefined && problems.every(({ message }) => !message.includes(certificate.issuer))) {
    const left = plural(daysLeft(certificate, probe.startedAtMs), "day");
    lines.push(`certificate for ${certificate.names.join(", ")}, ${left} left`);
  }
  if (probe.limits !== undefined) lines.push(limitsText(probe.limits));
  return lines;
}

function limitsText(limits: NonNullable<ProbeReport["limits"]>): string {
  const { maxConcurrentStreams, initialWindowBytes, connectionWindowBytes, maxHeaderListBytes } = limits;
  const upTo = (value: number, text: string) => (value === Number.POSITIVE_INFINITY ? "any number of" : text);
  const headers =
    maxHeaderListBytes === Number.POSITIVE_INFINITY ? "of any size" : `up to ${bytes(maxHeaderListBytes)}`;
  const windows = `windows ${bytes(initialWindowBytes)} (stream), ${bytes(connectionWindowBytes)} (connection)`;
  return `${upTo(maxConcurrentStreams, `${maxConcurrentStreams}`)} streams, ${windows}, headers ${headers}`;
}
