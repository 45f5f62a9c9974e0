import type { HeaderFields } from "../http2/connection.ts";
import type { AttemptHeader } from "../observe/instrumentation.ts";
import { checkField, isOwned } from "../protocol/metadata.ts";
import type { Protocol } from "../protocol/protocol.ts";

/** The metadata of one attempt, while tracers may add to it. */
export class TracedHeader implements AttemptHeader {
  readonly #protocol: Protocol;
  readonly #metadata: HeaderFields;
  /** A copy of the metadata, from when something is set. */
  #own: string[] | undefined;
  #isSealed = false;

  constructor(metadata: HeaderFields, protocol: Protocol) {
    this.#metadata = metadata;
    this.#protocol = protocol;
  }

  get(name: string): string | undefined {
    const fields = this.#own ?? this.#metadata;
    const at = indexOf(fields, name.toLowerCase());
    return at === -1 ? undefined : fields[at + 1];
  }

  set(name: string, value: string): void {
    checkField(name, value);
    if (this.#isSealed) throw new Error(`the header "${name}" is set too late: the attempt has started`);
    const lower = name.toLowerCase();
    // The user agent is a part of the head, which is the same for all calls.
    if (isOwned(lower, this.#protocol.ownNames) || lower === "user-agent") return;
    this.#own ??= [...this.#metadata];
    const at = indexOf(this.#own, lower);
    if (at === -1) this.#own.push(lower, value);
    else this.#own[at + 1] = value;
  }

  /** The metadata with what was set. Nothing can be set from now on. */
  seal(): HeaderFields {
    this.#isSealed = true;
    return this.#own ?? this.#metadata;
  }
}

/** Names are unique: a call's metadata is joined. */
function indexOf(fields: HeaderFields, name: string): number {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return i;
  return -1;
}
