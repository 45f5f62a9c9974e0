import type { AdminReply, AdminRequest } from "./exchange.ts";

/** A request of node:http or node:http2, as frameworks on top of them pass it on. */
export interface NodeRequest {
  /** `GET` or `HEAD`; the page refuses others. Default `GET`. */
  readonly method?: string | undefined;
  /** Path and query. Default `/`. */
  readonly url?: string | undefined;
  /** What Express leaves of the URL before it cut the place where the page is mounted. */
  readonly originalUrl?: string | undefined;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** A response of node:http or node:http2. */
export interface NodeResponse {
  /** Bytes that were written and have not been taken: a reader who is slow misses updates. */
  readonly writableLength: number;
  /** True: the reader is gone. A response of node:http2 says so of its `stream`. Default false. */
  readonly destroyed?: boolean | undefined;
  /** Of node:http2. Default: none. */
  readonly stream?:
    | {
        /** True: the reader is gone. */
        readonly destroyed: boolean;
      }
    | undefined;
  /** Sends status and headers. */
  writeHead(status: number, headers: Record<string, string>): unknown;
  /** Sends a part of the body. */
  write(text: string): unknown;
  /** Sends the last part of the body. */
  end(text: string): unknown;
  /** Ends the response as it is. */
  destroy(): unknown;
  /** `close`: the reader is gone. */
  on(event: "close" | "error", listener: () => void): unknown;
}

export function requestOfNode({ method = "GET", url = "/", originalUrl = url, headers }: NodeRequest): AdminRequest {
  return {
    method,
    path: originalUrl.replace(/[?#].*$/s, ""),
    header: (name) => {
      const value = headers[name];
      return typeof value === "string" ? value : value?.[0];
    },
  };
}

export function answerNode(response: NodeResponse, { status, headers, body }: AdminReply, isHead: boolean): void {
  // Whoever mounted the page took its time: `close` is over, and would not end a stream any more.
  if (response.destroyed || response.stream?.destroyed) return;
  // A reader that is gone is no error of ours.
  response.on("error", () => undefined);
  response.writeHead(status, { ...headers });
  if (isHead) response.end("");
  else if (typeof body === "string") response.end(body);
  else {
    const stopped = body.start({
      get queuedBytes() {
        return response.writableLength;
      },
      write: (text) => response.write(text),
      // What was not taken until now will not be.
      end: () => response.destroy(),
    });
    response.on("close", stopped);
  }
}
