/** What is known of the addresses of one name. */
export interface LookupAnswer {
  /** IP addresses of one family: those to connect to. In the order in which they came. */
  readonly hosts: readonly string[];
  /** Those of the other family: the same backends, for as long as none of `hosts` can be reached. */
  readonly fallbackHosts: readonly string[];
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
   * Asks once. `found` is called, before the promise settles, with an answer that is of use and may be lacking: a part
   * of the question is still open, or failed. Rejects when a part failed that mattered; an answer without addresses is
   * for the caller to refuse. `signal` aborts when the answer is no longer waited for: what can be cancelled then is, and
   * what has come is the answer. The promise settles when nothing of the lookup is left running, and not before.
   */
  ask(signal: AbortSignal, found: (answer: LookupAnswer) => void): Promise<LookupAnswer>;
}
