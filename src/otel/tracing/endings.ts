import { type Attributes, type Span, SpanStatusCode } from "@opentelemetry/api";
import type { Ending, FailureKind } from "../../index.ts";
import { errorType, rpcStatusCode, statusName } from "../conventions.ts";
import { peerAttributes } from "../peer.ts";

/**
 * Failures whose text is not glink's: the server's status, the reason of a signal, what was wrong with a message. Such a
 * text may say anything of what was called, and for whom.
 */
const foreignTexts: ReadonlySet<FailureKind> = new Set([
  "status",
  "canceled",
  "deadline",
  "invalid-request",
  "invalid-response",
]);

/** What is known of a call or an attempt when it has ended. */
export function endAttributes({ code, kind, progress, address }: Ending): Attributes {
  const status = statusName(code);
  return {
    [rpcStatusCode]: status,
    ...(address === undefined ? {} : peerAttributes(address)),
    ...(code === undefined ? {} : { [errorType]: status }),
    ...(kind === undefined ? {} : { "glink.failure.kind": kind }),
    ...(progress === undefined ? {} : { "glink.progress": progress }),
  };
}

/** Ends the span. On the side of the client every code but OK is an error. `statusMessages`: foreign texts are shown. */
export function endSpan(span: Span, end: Ending, statusMessages: boolean): void {
  if (end.code !== undefined) {
    span.setAttributes(endAttributes(end));
    span.setStatus({ code: SpanStatusCode.ERROR, message: textOf(end, statusMessages) });
  } else {
    // What endAttributes says of a success, without an object for each call.
    span.setAttribute(rpcStatusCode, statusName(undefined));
    if (end.address !== undefined) span.setAttributes(peerAttributes(end.address));
  }
  span.end();
}

function textOf({ code, kind, message }: Ending, statusMessages: boolean): string {
  const status = statusName(code);
  const isShown = statusMessages || kind === undefined || !foreignTexts.has(kind);
  return isShown && message !== undefined && message !== "" ? `${status}: ${message}` : status;
}
