import { Code } from "@connectrpc/connect";
import type { HeaderFields } from "../../../src/http2/connection.ts";
import type { WatchedCall } from "./watch.ts";

/** How a call stands, as far as engines are compared by it. */
export interface CallOutcome {
  readonly streamId: number;
  /**
   * `ok`: the peer ended the stream in good order. `failed`: see `code`, `progress`. `pending`: neither. `reset`: by the
   * client. `refused`: no stream was opened.
   */
  readonly result: "ok" | "failed" | "pending" | "reset" | "refused";
  /** gRPC's code, by name. */
  readonly code?: string;
  readonly progress?: string;
  /** The failure's kind and message, for readers and for the explanation of tolerated differences. */
  readonly kind?: string;
  readonly message?: string;
  /** What was delivered: of an `ok` call. */
  readonly response?: Response;
}

export interface Response {
  readonly status: number;
  readonly headers: HeaderFields;
  readonly bodyHex: string;
  readonly trailers: HeaderFields | undefined;
}

export function outcomeOf(call: WatchedCall): CallOutcome {
  const { streamId, failure } = call;
  if (call.stream === undefined) return { streamId, result: "refused" };
  if (call.isReset) return { streamId, result: "reset" };
  if (!call.isClosed) return { streamId, result: "pending" };
  if (failure !== undefined) {
    const { code, progress, kind, message } = failure;
    return { streamId, result: "failed", code: Code[code], progress, kind, message };
  }
  const { status, headers, trailers } = call;
  return {
    streamId,
    result: "ok",
    response: { status, headers, bodyHex: Buffer.concat(call.body).toString("hex"), trailers },
  };
}

/** The class by which two engines are compared: `ok`, `failed Unavailable unknown`, … */
export function classOf({ result, code, progress }: CallOutcome): string {
  return result === "failed" ? `failed ${code} ${progress}` : result;
}
