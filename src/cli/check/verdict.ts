import { type ExitCode, exitCode } from "../exit-codes.ts";
import type { AddressReport } from "./address-check.ts";
import type { Names } from "./names.ts";
import { type Problem, problem, servingProblems } from "./problems.ts";

/** All that one run found. */
export interface Verdict {
  readonly exitCode: ExitCode;
  readonly ok: boolean;
  readonly problems: readonly Problem[];
}

/** What the lookup alone says. */
export function nameProblems({ host, error, addresses, fallback, servers, isLiteral }: Names): Problem[] {
  if (error !== undefined) return [lookupProblem(host, error)];
  const found: Problem[] = [];
  if (!isLiteral && addresses.length === 1 && /\.svc(\.|$)/i.test(host)) {
    found.push(problem("single-address", `${host} has 1 address`));
  }
  if (servers === undefined || servers.error !== undefined) return found;
  const hosts = (all: Names["addresses"]) => all.map((one) => ("host" in one ? one.host : one.path)).sort();
  const [used, theirs] = [hosts([...addresses, ...fallback]), hosts([...servers.addresses, ...servers.fallback])];
  if (used.join() !== theirs.join()) {
    found.push(problem("lookups-differ", `the DNS servers say ${theirs.join(", ")}`));
  }
  return found;
}

function lookupProblem(host: string, error: unknown): Problem {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const text = String(message ?? error);
  if (code === "ENOTFOUND" || code === "ENODATA") return problem("name-not-found", `${host} is not known: ${text}`);
  if (code === "EAI_AGAIN" || code === "ETIMEOUT" || /longer than/.test(text))
    return problem("name-server-silent", text);
  return problem("name-failed", text);
}

/** What all of it comes to. */
export function verdictOf(names: Names, reports: readonly AddressReport[]): Verdict {
  const found = nameProblems(names);
  if (names.error !== undefined) return { exitCode: exitCode.notResolved, ok: false, problems: found };
  const judged = reports.map((report) => ({ ...report, problems: judgedProblems(report, reports) }));
  const problems = [...found, ...judged.flatMap((report) => report.problems)];
  const refused = reports.filter((report) => report.problems.some(({ id }) => id === "refused"));
  if (refused.length > 1 && refused.length === reports.length) {
    problems.push(problem("refused-everywhere", `all ${reports.length} addresses refuse connections`));
  }
  const bad = judged.filter((one) => one.problems.some(isFatal)).length;
  const isNotServing = problems.some(({ id }) => servingProblems.has(id));
  const code =
    bad === 0
      ? isNotServing
        ? exitCode.notServing
        : exitCode.good
      : bad === judged.length
        ? exitCode.allBad
        : exitCode.someBad;
  return { exitCode: code, ok: code === exitCode.good, problems };
}

/** An address that is only there for when the others fail may fail as long as they work. */
export function judgedProblems(report: AddressReport, all: readonly AddressReport[]): readonly Problem[] {
  const othersWork = all.some((other) => !other.isFallback && !other.problems.some(isFatal));
  if (!report.isFallback || !othersWork) return report.problems;
  return report.problems.map((one) => ({ ...one, severity: "warning" }));
}

function isFatal({ id, severity }: Problem): boolean {
  return severity === "error" && !servingProblems.has(id);
}
