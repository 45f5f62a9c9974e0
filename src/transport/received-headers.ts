import { inspect } from "node:util";
import { headersOf } from "../base/connect-error.ts";
import type { HeaderFields } from "../http2/connection.ts";

/** What `console.log` calls on Node's Headers; missing from their type. */
interface Inspectable {
  [inspect.custom](...args: unknown[]): unknown;
}

/**
 * Response headers or trailers that are filled when somebody first looks at them. Most callers never do, and filling
 * costs more than everything else in a response. A real Headers, and a plain property of the response, so that
 * `{ ...response }` keeps it.
 */
export function receivedHeaders(fields: HeaderFields): Headers {
  receivedHeadersClass ??= extendHeaders();
  return new receivedHeadersClass(fields);
}

/** Adds what came later: the trailers of a stream, whose response the user has already. `headers` is of this file. */
export function receiveLater(headers: Headers, fields: HeaderFields): void {
  receivedHeadersClass?.receive(headers as ReceivedHeaders, fields);
}

type ReceivedHeadersClass = ReturnType<typeof extendHeaders>;
type ReceivedHeaders = InstanceType<ReceivedHeadersClass>;

/** A constant that is made at its first use: Node loads all of undici when `Headers` is first named. */
let receivedHeadersClass: ReceivedHeadersClass | undefined;

function extendHeaders() {
  return class ReceivedHeaders extends Headers {
    /** What has come and was not looked at. */
    #fields: HeaderFields | undefined;

    constructor(fields: HeaderFields) {
      super();
      this.#fields = fields;
    }

    /** Static, because users see the methods. */
    static receive(headers: ReceivedHeaders, fields: HeaderFields): void {
      headers.#fill();
      headers.#fields = fields;
    }

    override append(name: string, value: string): void {
      this.#fill();
      super.append(name, value);
    }

    override delete(name: string): void {
      this.#fill();
      super.delete(name);
    }

    override get(name: string): string | null {
      this.#fill();
      return super.get(name);
    }

    override getSetCookie(): string[] {
      this.#fill();
      return super.getSetCookie();
    }

    override has(name: string): boolean {
      this.#fill();
      return super.has(name);
    }

    override set(name: string, value: string): void {
      this.#fill();
      super.set(name, value);
    }

    override forEach(callback: (value: string, name: string, parent: Headers) => void, thisArg?: unknown): void {
      this.#fill();
      super.forEach(callback, thisArg);
    }

    override entries(): HeadersIterator<[string, string]> {
      this.#fill();
      return super.entries();
    }

    override keys(): HeadersIterator<string> {
      this.#fill();
      return super.keys();
    }

    override values(): HeadersIterator<string> {
      this.#fill();
      return super.values();
    }

    override [Symbol.iterator](): HeadersIterator<[string, string]> {
      return this.entries();
    }

    [inspect.custom](...args: unknown[]): unknown {
      this.#fill();
      return (Headers.prototype as unknown as Inspectable)[inspect.custom].apply(this, args);
    }

    #fill(): void {
      const fields = this.#fields;
      if (fields === undefined) return;
      this.#fields = undefined;
      headersOf(fields).forEach((value, name) => {
        super.append(name, value);
      });
    }
  };
}
