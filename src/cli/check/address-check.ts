import { type Address, type CertificateFacts, type ProbeOptions, type ProbeReport, probe } from "../../index.ts";
import { milliseconds, plural } from "../texts.ts";
import { certificateProblems, problemByOtherScheme, problemOf, seen, wantsOtherScheme } from "./diagnosis.ts";
import { askHealth, type HealthAnswer, type HealthQuestion } from "./health.ts";
import { type Problem, problem } from "./problems.ts";

/** One address, and whether it is used only where none of the others can be reached. */
export interface AddressToCheck {
  readonly address: Address;
  readonly isFallback: boolean;
}

/** What was found at one address. */
export interface AddressReport {
  readonly isFallback: boolean;
  readonly probe: ProbeReport;
  /** The server's certificate, also where it was not taken. */
  readonly certificate: CertificateFacts | undefined;
  /** Undefined: the connection failed. */
  readonly health: HealthAnswer | undefined;
  readonly problems: readonly Problem[];
}

/** A certificate that has fewer days left than this should be on its way. */
const fewDays = 14;

/** A second dial is only to explain the first. */
const secondLookMs = 2_000;

export function daysLeft({ validToMs }: CertificateFacts, nowMs: number): number {
  return Math.floor((validToMs - nowMs) / 86_400_000);
}

/** A certificate that works, and not for long. */
export function renewalProblems(address: string, certificate: CertificateFacts, nowMs: number): readonly Problem[] {
  const days = daysLeft(certificate, nowMs);
  if (days >= fewDays) return [];
  return [problem("certificate-expires-soon", `the certificate has ${plural(days, "day")} left`, address)];
}

/** Dials an address, looks twice where that tells more, and asks for its health. */
export async function checkAddress(
  { address, isFallback }: AddressToCheck,
  question: HealthQuestion,
): Promise<AddressReport> {
  const { baseUrl, tls, timeoutMs } = question;
  const report = await probe(address, { baseUrl, tls, connectTimeoutMs: timeoutMs });
  if (report.failure !== undefined) {
    const { found, certificate } = await explained(report, question);
    return { isFallback, probe: report, certificate, health: undefined, problems: [found] };
  }
  const { certificate, limits, startedAtMs } = report;
  const problems: Problem[] = [];
  if (certificate !== undefined) problems.push(...renewalProblems(report.address, certificate, startedAtMs));
  if (limits?.maxConcurrentStreams === 0) {
    problems.push(problem("no-streams", "the server allows 0 streams", report.address));
    return { isFallback, probe: report, certificate, health: undefined, problems };
  }
  const health = await askHealth(address, question);
  const unwell = healthProblem(report.address, health, question);
  if (unwell !== undefined) problems.push(unwell);
  return { isFallback, probe: report, certificate, health, problems };
}

async function explained(report: ProbeReport, { baseUrl, tls, timeoutMs }: HealthQuestion) {
  const failure = report.failure as NonNullable<ProbeReport["failure"]>;
  const isTls = /^https:/i.test(baseUrl);
  const id = problemOf(report, failure, isTls);
  const lookAgain = (more: Partial<ProbeOptions>) =>
    probe(report.address, { baseUrl, connectTimeoutMs: Math.min(timeoutMs, secondLookMs), pings: 0, ...more });
  if (certificateProblems.has(id)) {
    // Nothing but the handshake is done with a peer that is not trusted.
    const { certificate } = await lookAgain({ tls: { ...tls, rejectUnauthorized: false } });
    return {
      found: problem(id, certificateText(certificate, seen(failure), report.startedAtMs), report.address),
      certificate,
    };
  }
  if (wantsOtherScheme(id, isTls)) {
    const otherUrl = isTls ? baseUrl.replace(/^https/i, "http") : baseUrl.replace(/^http/i, "https");
    const other = await lookAgain({ baseUrl: otherUrl, tls: { rejectUnauthorized: false } });
    const better = problemByOtherScheme(other, isTls);
    if (better !== undefined) {
      const text = better === "http1-port" && other.failure !== undefined ? seen(other.failure) : seen(failure);
      return { found: problem(better, text, report.address), certificate: undefined };
    }
    // Only a server that answers without TLS proves that it does.
    if (id === "plaintext-port")
      return { found: problem("tls-failed", seen(failure), report.address), certificate: undefined };
  }
  return { found: problem(id, seen(failure), report.address), certificate: report.certificate };
}

function certificateText(certificate: CertificateFacts | undefined, text: string, nowMs: number): string {
  if (certificate === undefined) return text;
  const days = daysLeft(certificate, nowMs);
  const names = certificate.names.join(", ");
  const until = days < 0 ? `expired ${plural(-days, "day")} ago` : `${plural(days, "day")} left`;
  return `${text} (for ${names}; issued by ${certificate.issuer}; ${until})`;
}

function healthProblem(
  address: string,
  health: HealthAnswer,
  { protocol, service }: HealthQuestion,
): Problem | undefined {
  const { message = "", tookMs } = health;
  switch (health.state) {
    case "serving":
    case "unimplemented":
      return undefined;
    case "not-serving":
      return problem("not-serving", `${service === "" ? "the server" : service} is ${message}`, address);
    case "service-unknown":
      return problem("service-unknown", `no service ${JSON.stringify(service)}: ${message}`, address);
    case "refused":
      return problem("health-refused", message, address);
    case "mismatch":
      return problem("protocol-mismatch", `it does not speak ${protocol}, it speaks ${health.speaks}`, address);
    case "not-rpc":
      return problem("not-rpc", message, address);
    case "failed":
      return problem("health-failed", `${message} (after ${milliseconds(tookMs)})`, address);
  }
}
