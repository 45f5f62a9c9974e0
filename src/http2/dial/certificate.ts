import type { TLSSocket } from "node:tls";
import { peerText } from "../../base/peer-text.ts";

/** The certificate that a server showed, whether it was good or not. */
export interface CertificateFacts {
  /** Whom it is for: its DNS names and IP addresses, or the common name of one that has none. */
  readonly names: readonly string[];
  /** The common name of who signed it, or all that is said of them. */
  readonly issuer: string;
  /** By the wall clock: milliseconds since 1970. */
  readonly validFromMs: number;
  /** Likewise: it has expired from then on. */
  readonly validToMs: number;
}

/** Reads what the peer of an established TLS connection showed. */
export function certificateOf(socket: TLSSocket): CertificateFacts | undefined {
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return undefined;
  const { subject, subjectAltName, issuer, validFrom, validTo } = shown;
  return {
    names: (subjectAltName ?? commonName(subject))
      .split(", ")
      .map((name) => peerText(name.replace(/^(DNS|IP Address):/, ""))),
    issuer: peerText(commonName(issuer)),
    validFromMs: Date.parse(validFrom),
    validToMs: Date.parse(validTo),
  };
}

function commonName(name = ""): string {
  return /^CN=(.*)$/m.exec(name)?.[1] ?? name;
}
