/** What one lookup of a name found. */
export interface LookupAnswer {
  /** IP addresses, in the order in which they came. */
  readonly hosts: readonly string[];
  /** For how long the answer holds, in milliseconds. `Infinity` where nobody says. */
  readonly ttlMs: number;
}

/** One way to ask for the addresses of one name. */
export interface Lookup {
  /** The name. */
  readonly host: string;
  /** Who is asked: for messages. */
  readonly source: string;
  /**
   * Asks once. Rejects when there is no answer; an answer without addresses is for the caller to refuse. `signal`
   * aborts when the answer is no longer wanted: what can be cancelled then is. The promise settles when nothing of the
   * lookup is left running, and not before.
   */
  ask(signal: AbortSignal): Promise<LookupAnswer>;
}

/** IPv4 only, IPv6 only, or 0: IPv4 addresses if the name has any, else IPv6. */
export type AddressFamily = 0 | 4 | 6;
