import { isDeepStrictEqual } from "node:util";
import type { HeaderFields } from "../../../src/http2/connection.ts";
import { frameTypes } from "../../unit/http2/wire/raw-peer.ts";
import type { Frame } from "./frames.ts";
import type { Response } from "./outcome.ts";
import type { Tolerance } from "./tolerance.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what nghttp2 refuses.
const invalidValue = /^[ \t]|[ \t]$|[\x00-\x08\x0a-\x1f\x7f]/;

/** Differences in how one call ends, on connections that need not. */
export const toleratedCalls: readonly Tolerance[] = [
  {
    name: "a reset that overtakes",
    reason:
      "nghttp2 ends a stream that broke the rules when its own RST_STREAM has left. One of the peer's that is read " +
      "before, or a GOAWAY, says how the call ends.",
    covers: ({ calls, frames }) =>
      calls !== undefined &&
      ["protocol", "connection-error"].includes(calls.wire.kind ?? "") &&
      (calls.node.kind === "goaway"
        ? frames.some(({ type }) => type === frameTypes.goaway)
        : calls.node.kind === "stream-reset" &&
          frames.some(({ type, streamId }) => type === frameTypes.rstStream && streamId === calls.node.streamId)),
  },
  {
    name: "invalid fields",
    reason: "nghttp2 leaves a field out whose name or value is invalid. RFC 9113 §8.2.1 calls the response malformed.",
    covers: ({ calls }) =>
      calls?.wire.kind === "protocol" &&
      /invalid header name|NUL or a line break|not in lower case/.test(calls.wire.message ?? ""),
  },
  {
    name: "invalid fields of a response that is ok",
    reason: "As above, for values with white space or control characters around or in them, which do no harm.",
    covers: ({ calls }) =>
      calls?.wire.response !== undefined &&
      calls.node.response !== undefined &&
      isDeepStrictEqual(strict(calls.wire.response), strict(calls.node.response)),
  },
  {
    name: "content-length in trailers",
    reason: "nghttp2 holds the body to it. RFC 9110 §6.5.1 lets a recipient ignore it there, and the own engine does.",
    covers: ({ calls }) => calls?.wire.response?.trailers?.includes("content-length") === true,
  },
  {
    name: "a status below 100",
    reason: "To nghttp2 any three digits are a final status. RFC 9110 §15 knows none that begins with 0.",
    covers: ({ calls, node }) =>
      /does not begin with a valid :status/.test(calls?.wire.message ?? "") &&
      calls !== undefined &&
      !node.told.resets.has(calls.node.streamId),
  },
  {
    name: "empty DATA ahead of the response",
    reason: "nghttp2 minds DATA that comes before HEADERS only if there is something in it.",
    covers: ({ calls, frames }) =>
      /DATA before HEADERS/.test(calls?.wire.message ?? "") &&
      frames.some((frame) => frame.streamId === calls?.wire.streamId && isEmptyData(frame)),
  },
  {
    name: "judged before it is whole",
    reason: "nghttp2 reads fields and DATA as they come. The own engine waits for the frame, which may never be whole.",
    covers: ({ calls, wire, node, isCutOff }) =>
      calls?.node.result === "failed" &&
      node.told.resets.has(calls.node.streamId) &&
      (wire.isOver ? calls.wire.code === "Unavailable" : isCutOff && ["pending", "reset"].includes(calls.wire.result)),
  },
  {
    name: "an end behind a pause",
    reason:
      "A Node stream says nothing of END_STREAM on DATA before everything ahead of it is read. gRPC's responses end " +
      "with trailers, of which Node does tell.",
    evenIfValid: true,
    covers: ({ fuzzCase, calls }) =>
      calls?.wire.result === "ok" &&
      calls.node.result !== "ok" &&
      calls.wire.response?.trailers === undefined &&
      fuzzCase.steps.some((step) => "client" in step && step.client === "pause"),
  },
  {
    name: "no room behind a pause",
    reason: "As above: a stream that is over for the peer and not for Node counts against the peer's limit.",
    evenIfValid: true,
    covers: ({ calls, wire, node }) =>
      calls?.node.result === "refused" &&
      node.calls.some(({ result }, i) => result === "pending" && wire.calls[i]?.result === "ok"),
  },
  {
    name: "no room before a reset has left",
    reason:
      "Resets of the node engine have a turn of their own: within nghttp2's callbacks they could spin. Until then the " +
      "stream counts against the peer's limit, and a call would wait for a moment.",
    evenIfValid: true,
    covers: ({ fuzzCase, calls, node }) =>
      calls?.node.result === "refused" &&
      node.calls.some(({ result }) => result === "reset") &&
      fuzzCase.steps.some((step) => "client" in step && step.client === "reset"),
  },
  {
    name: "a bare reset",
    reason:
      "node:http2 does not tell RST_STREAM with NO_ERROR from END_STREAM, and does not tell of it before data that is " +
      "unread. The call then fails for want of a status, with Internal as here, or for what comes next.",
    evenIfValid: true,
    covers: ({ fuzzCase, calls, frames }) => {
      if (calls?.wire.result !== "failed") return false;
      const isReset = frames.some(
        ({ type, streamId, payload }) =>
          type === frameTypes.rstStream && streamId === calls.wire.streamId && payload.equals(Buffer.alloc(4)),
      );
      if (!isReset) return false;
      const { result, code, response } = calls.node;
      if (result === "ok") return response?.trailers === undefined;
      const isEnding =
        frames.some(({ type }) => type === frameTypes.goaway) || fuzzCase.steps.some((step) => "server" in step);
      if (result === "failed") return code === "Unavailable" && isEnding;
      return fuzzCase.steps.some((step) => "client" in step && step.client === "pause");
    },
  },
];

/** What is left of a response when nghttp2 has dropped the fields that it takes for invalid. */
function strict({ status, headers, trailers, bodyHex }: Response): unknown {
  const kept = (fields: HeaderFields | undefined) =>
    fields?.filter((_, i) => !invalidValue.test(fields[i | 1] as string));
  return { status, bodyHex, headers: kept(headers), trailers: kept(trailers) };
}

function isEmptyData({ type, flags, payload }: Frame): boolean {
  const isPadded = (flags & 8) !== 0;
  return type === frameTypes.data && payload.length === (isPadded ? 1 + (payload[0] ?? 0) : 0);
}
