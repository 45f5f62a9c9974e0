import { inspect } from "node:util";
import { headersOf } from "../base/connect-error.ts";
import type { HeaderFields } from "../http2/connection.ts";

/** What `console.log` calls on Node's Headers; missing from their type. */
interface Inspectable {
  [inspect.custom](...args: unknown[]): unknown;
}

/**
 * Headers over a list of fields, names in lower case, which make Node's own only for whoever asks for more than plain
 * fields by name: those cost more than everything else in a response, and most callers never look. They are an instance
 * of `Headers`, and answer as one does; but for its methods taken off the prototype, `Headers.prototype.get.call(…)`.
 */
export function callHeaders(fields: HeaderFields): Headers {
  callHeadersClass ??= defineCallHeaders();
  return new callHeadersClass(fields);
}

/** Adds what came later: the trailers of a stream, whose response the user has already. `headers` is of this file. */
export function receiveLater(headers: Headers, fields: HeaderFields): void {
  callHeadersClass?.receive(headers, fields);
}

/** All that Headers of this file hold; undefined for others, and where Node's own had to be made. */
export function fieldsIn(headers: Headers): HeaderFields | undefined {
  return callHeadersClass?.fieldsIn(headers);
}

/** A constant that is made at its first use: Node loads all of undici when `Headers` is first named. */
let callHeadersClass: ReturnType<typeof defineCallHeaders> | undefined;

/** What Headers take as it is. Cookies are joined, or not, in ways of their own, and left to them. */
const plainName = /^(?!(?:set-)?cookie$)[a-z0-9-]+$/;
const plainValue = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;

function defineCallHeaders() {
  class CallHeaders implements Headers {
    #fields: HeaderFields;
    /** Once it is there, it holds everything. */
    #full: Headers | undefined;

    constructor(fields: HeaderFields) {
      this.#fields = fields;
    }

    // Static, because users see the methods.

    static receive(headers: Headers, fields: HeaderFields): void {
      if (!(#full in headers)) return;
      if (headers.#full === undefined) headers.#fields = [...headers.#fields, ...fields];
      else for (const [name, value] of headersOf(fields)) headers.#full.append(name, value);
    }

    static fieldsIn(headers: Headers): HeaderFields | undefined {
      return #full in headers && headers.#full === undefined ? headers.#fields : undefined;
    }

    get(name: string): string | null {
      const at = this.#plainIndex(name);
      if (at === undefined) return this.#filled().get(name);
      return at < 0 ? null : (this.#fields[at + 1] as string);
    }

    has(name: string): boolean {
      const at = this.#plainIndex(name);
      return at === undefined ? this.#filled().has(name) : at >= 0;
    }

    set(name: string, value: string): void {
      const at = isPlain(value) ? this.#plainIndex(name) : undefined;
      if (at === undefined) this.#filled().set(name, value);
      else this.#replace(at, [name.toLowerCase(), value]);
    }

    append(name: string, value: string): void {
      const at = isPlain(value) ? this.#plainIndex(name) : undefined;
      if (at === undefined || at >= 0) this.#filled().append(name, value);
      else this.#replace(at, [name.toLowerCase(), value]);
    }

    delete(name: string): void {
      const at = this.#plainIndex(name);
      if (at === undefined) this.#filled().delete(name);
      else if (at >= 0) this.#replace(at, []);
    }

    getSetCookie(): string[] {
      return this.#filled().getSetCookie();
    }

    forEach(callback: (value: string, name: string, parent: Headers) => void, thisArg?: unknown): void {
      this.#filled().forEach((value, name) => {
        callback.call(thisArg, value, name, this);
      });
    }

    entries(): HeadersIterator<[string, string]> {
      return this.#filled().entries();
    }

    keys(): HeadersIterator<string> {
      return this.#filled().keys();
    }

    values(): HeadersIterator<string> {
      return this.#filled().values();
    }

    [Symbol.iterator](): HeadersIterator<[string, string]> {
      return this.entries();
    }

    [inspect.custom](...args: unknown[]): unknown {
      const full = this.#filled();
      return (Headers.prototype as unknown as Inspectable)[inspect.custom].apply(full, args);
    }

    /** Where a field is, -1 where it is not. Undefined: Node's own have to say. */
    #plainIndex(name: unknown): number | undefined {
      if (this.#full !== undefined || typeof name !== "string") return undefined;
      const lower = name.toLowerCase();
      if (!plainName.test(lower)) return undefined;
      const fields = this.#fields;
      let found = -1;
      for (let i = 0; i < fields.length; i += 2) {
        if (fields[i] !== lower) continue;
        if (found >= 0 || !isPlain(fields[i + 1])) return undefined;
        found = i;
      }
      return found;
    }

    /** The list may be others' too. */
    #replace(at: number, field: HeaderFields): void {
      this.#fields = at < 0 ? [...this.#fields, ...field] : this.#fields.toSpliced(at, 2, ...field);
    }

    #filled(): Headers {
      this.#full ??= headersOf(this.#fields);
      return this.#full;
    }
  }
  Object.setPrototypeOf(CallHeaders.prototype, Headers.prototype);
  return CallHeaders;
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" && plainValue.test(value);
}
