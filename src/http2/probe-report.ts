import type { FailureFact } from "../base/errors.ts";
import type { PeerLimits } from "../observe/peer-limits.ts";
import type { SocketFacts } from "../observe/socket-facts.ts";
import type { CertificateFacts } from "./dial/certificate.ts";
import type { DialStage } from "./dial/dial-failure.ts";
import type { ForeignProtocol } from "./foreign-answer.ts";

/** What came of dialling one address. Times are in milliseconds; undefined: it did not get so far. */
export interface ProbeReport {
  /** The address that was dialled. */
  readonly address: string;
  /** By the wall clock: milliseconds since 1970. */
  readonly startedAtMs: number;
  /** TCP, and the lookup of a host that is a name. */
  readonly connectMs: number | undefined;
  /** The TLS handshake. */
  readonly tlsMs: number | undefined;
  /** From then to the peer's SETTINGS. */
  readonly settingsMs: number | undefined;
  /** Of each PING that was answered. */
  readonly pingMs: readonly number[];
  /** What the socket says of itself; nothing where there is none. */
  readonly socket: SocketFacts;
  /** Undefined without TLS, and where the handshake failed. */
  readonly certificate: CertificateFacts | undefined;
  /** What its SETTINGS allow; undefined: none came. */
  readonly limits: PeerLimits | undefined;
  /** Undefined: all went well. */
  readonly failure: ProbeFailure | undefined;
}

/** Why a probe did not get through all its steps. */
export interface ProbeFailure extends FailureFact {
  /** What was not done. */
  readonly stage: DialStage | "ping";
  /** What the peer had sent until then. */
  readonly bytesRead: number;
  /** What the port speaks instead of HTTP/2, where its answer tells. */
  readonly speaks: ForeignProtocol | undefined;
}
