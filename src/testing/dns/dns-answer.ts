/** The types of records that {@link fakeDns} serves. */
export type RecordType = "A" | "AAAA" | "SRV" | "TXT";

export const recordTypes: readonly RecordType[] = ["A", "AAAA", "SRV", "TXT"];

/** What an SRV record says (RFC 2782). */
export interface ServiceRecord {
  /** The name whose addresses it points to. */
  readonly target: string;
  /** 0 to 65535. */
  readonly port: number;
  /** Default 0; to 65535. */
  readonly priority?: number;
  /** Default 0; to 65535. */
  readonly weight?: number;
}

/** What is said about one name. Nothing set: the name exists and has no records. */
export interface DnsAnswer {
  /** IPv4 and IPv6 addresses: each query gets those of its type. */
  readonly addresses?: readonly string[];
  /** SRV records: which ports of which names are the service. */
  readonly services?: readonly ServiceRecord[];
  /** TXT records. */
  readonly texts?: readonly string[];
  /** Of every record, in seconds. Default 30; 0 to 2 147 483 647. */
  readonly ttlSeconds?: number;
  /** The name is an alias: a CNAME record comes first, and the addresses are this name's. */
  readonly alias?: string;
  /** The answer is this error, and has no records. Default: none. */
  readonly error?: "SERVFAIL" | "NXDOMAIN" | "REFUSED";
  /** Queries are counted and never answered. */
  readonly silent?: boolean;
  /** The answer is sent so many milliseconds later. Default 0; to 2 147 483 647. */
  readonly delayMs?: number;
}
