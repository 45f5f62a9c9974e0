import type { OutgoingHttpHeaders } from "node:http2";
import type { Target } from "../../endpoint/target.ts";
import type { HeaderFields, MethodHead } from "../connection.ts";

/** Request headers as node:http2 takes them. */
export interface RequestHeaders {
  readonly headers: OutgoingHttpHeaders;
  /** Their size as SETTINGS_MAX_HEADER_LIST_SIZE counts it. */
  readonly listBytes: number;
}

/** The largest header block that is sent at all; Node's own limit of 64 KiB would end the whole connection. */
export const maxSendHeaderBlockBytes = 16_777_216;

/** What HTTP/2 counts for each field beside its text (RFC 9113 §6.5.2). */
export const fieldOverheadBytes = 32;

/** Makes request headers for one target; what is constant for a method is made once. */
export class RequestHeaderMaker {
  readonly #target: Target;
  readonly #heads = new WeakMap<MethodHead, RequestHeaders>();

  constructor(target: Target) {
    this.#target = target;
  }

  make(head: MethodHead, fields: HeaderFields): RequestHeaders {
    const constant = this.#head(head);
    if (fields.length === 0) return constant;
    // Without a prototype, names are plain keys, "__proto__" too; and such an object takes them several times faster.
    const headers: OutgoingHttpHeaders = Object.assign({ __proto__: null }, constant.headers);
    addFields(headers, fields);
    return { headers, listBytes: constant.listBytes + listBytesOf(fields) };
  }

  #head(head: MethodHead): RequestHeaders {
    let made = this.#heads.get(head);
    if (made === undefined) {
      const { tls, authority } = this.#target;
      const scheme = tls ? "https" : "http";
      const pseudo = [
        ":method",
        head.httpMethod ?? "POST",
        ":scheme",
        scheme,
        ":authority",
        authority,
        ":path",
        head.path,
      ];
      const headers: OutgoingHttpHeaders = Object.create(null);
      addFields(headers, pseudo);
      addFields(headers, head.fields);
      made = { headers, listBytes: listBytesOf(pseudo) + listBytesOf(head.fields) };
      this.#heads.set(head, made);
    }
    return made;
  }
}

function listBytesOf(fields: HeaderFields): number {
  let bytes = (fields.length / 2) * fieldOverheadBytes;
  for (const text of fields) bytes += text.length;
  return bytes;
}

/** Names are unique: whoever made the fields has joined values of the same name. */
function addFields(headers: OutgoingHttpHeaders, fields: HeaderFields): void {
  for (let i = 0; i + 1 < fields.length; i += 2) headers[fields[i] as string] = fields[i + 1] as string;
}
