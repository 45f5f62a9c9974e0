/** More than any pool dials at a time; what was kept first goes first. */
const mostSessions = 1_000;

/**
 * TLS sessions that servers offered for another connection, one for each address: resuming one spares a round trip of
 * TLS 1.2 and the certificates of both (RFC 8446 §2.2, RFC 5077). For dials with the same TLS options only: a resumed
 * session is not verified again.
 */
export class TlsSessions {
  readonly #byAddress = new Map<string, Buffer>();

  /** The newest session of `address`. It is gone then, so that one which fails is not tried twice; who resumed it keeps it. */
  take(address: string): Buffer | undefined {
    const session = this.#byAddress.get(address);
    this.#byAddress.delete(address);
    return session;
  }

  keep(address: string, session: Buffer): void {
    this.#byAddress.delete(address);
    this.#byAddress.set(address, session);
    if (this.#byAddress.size <= mostSessions) return;
    for (const eldest of this.#byAddress.keys()) {
      this.#byAddress.delete(eldest);
      return;
    }
  }
}
