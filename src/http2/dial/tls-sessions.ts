import type { ConnectionOptions } from "node:tls";

/** More than any pool dials at a time; what was kept first goes first. */
const mostSessions = 1_000;

/** A session, and the options of tls.connect under which its server and its client were verified. */
interface KeptSession {
  readonly session: Buffer;
  readonly options: ConnectionOptions;
}

/**
 * TLS sessions that servers offered for another connection, one for each address: resuming one spares a round trip of
 * TLS 1.2 and the certificates of both (RFC 8446 §2.2, RFC 5077).
 */
export class TlsSessions {
  readonly #byAddress = new Map<string, KeptSession>();

  /**
   * The newest session of `address`, if it was made with the same options. It is gone then, so that one which fails is not
   * tried twice; who resumed it keeps it. None for those who check identities themselves: pins change, and a resumed
   * session would not be checked.
   */
  take(address: string, options: ConnectionOptions): Buffer | undefined {
    const kept = this.#byAddress.get(address);
    this.#byAddress.delete(address);
    if (kept === undefined || options.checkServerIdentity !== undefined) return undefined;
    return areSame(kept.options, options) ? kept.session : undefined;
  }

  keep(address: string, session: Buffer, options: ConnectionOptions): void {
    this.#byAddress.delete(address);
    this.#byAddress.set(address, { session, options });
    if (this.#byAddress.size <= mostSessions) return;
    for (const eldest of this.#byAddress.keys()) {
      this.#byAddress.delete(eldest);
      return;
    }
  }
}

/**
 * All of them, and each item of their lists. A session is resumed without another look at certificates, ours and the
 * server's, nor at whether either may be used, and many options have a say in that: of a server name, a client or an
 * authority that was changed no session may be left.
 */
function areSame(some: ConnectionOptions, others: ConnectionOptions): boolean {
  const [list, otherList] = [Object.entries(some).flat(2), Object.entries(others).flat(2)];
  return list.length === otherList.length && list.every((item, i) => Object.is(item, otherList[i]));
}
