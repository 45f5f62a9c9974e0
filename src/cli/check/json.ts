import type { CheckCommand } from "../arguments.ts";
import { plain } from "../output.ts";
import { type AddressReport, daysLeft } from "./address-check.ts";
import type { Found, Names } from "./names.ts";
import { formatPlace } from "./place.ts";
import type { Verdict } from "./verdict.ts";

/** What `check --json` prints: docs/cli.md. Numbers without a limit are null. */
export function reportJson(command: CheckCommand, names: Names, reports: readonly AddressReport[], verdict: Verdict) {
  const { host, servers } = names;
  return {
    schema: 1,
    ok: verdict.ok,
    exitCode: verdict.exitCode,
    url: command.url,
    protocol: command.protocol,
    names: { host, ...foundJson(names), servers: servers === undefined ? null : foundJson(servers) },
    addresses: reports.map(addressJson),
    problems: verdict.problems.map(({ address = null, ...rest }) => ({ ...rest, address })),
  };
}

function foundJson({ tookMs, addresses, fallback, error }: Found) {
  return {
    ms: rounded(tookMs),
    addresses: addresses.map(formatPlace),
    fallback: fallback.map(formatPlace),
    error: error === undefined ? null : plain(String((error as { message?: unknown }).message ?? error)),
  };
}

function addressJson({ probe, certificate, health, isFallback }: AddressReport) {
  const { address, connectMs, tlsMs, settingsMs, pingMs, socket, limits } = probe;
  const { tls } = socket;
  return {
    address,
    fallback: isFallback,
    tcpMs: rounded(connectMs),
    tlsMs: rounded(tlsMs),
    settingsMs: rounded(settingsMs),
    pingMs: pingMs.map(rounded),
    tls: tls === undefined ? null : { version: tls.protocol, cipher: tls.cipher, alpn: socket.alpn ?? null },
    certificate:
      certificate === undefined
        ? null
        : {
            names: certificate.names,
            issuer: certificate.issuer,
            validFrom: new Date(certificate.validFromMs).toISOString(),
            validTo: new Date(certificate.validToMs).toISOString(),
            daysLeft: daysLeft(certificate, probe.startedAtMs),
          },
    settings: limits ?? null,
    health:
      health === undefined
        ? null
        : {
            state: health.state,
            ms: rounded(health.tookMs),
            message: health.message ?? null,
            speaks: health.speaks ?? null,
          },
  };
}

/** In microseconds: more digits are noise. */
function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1_000) / 1_000;
}
