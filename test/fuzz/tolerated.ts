import { isDeepStrictEqual } from "node:util";
import type { HeaderFields } from "../../src/http2/connection.ts";
import { http2ErrorCode } from "../../src/http2/error-codes.ts";
import { frameTypes } from "../http2-wire/raw-peer.ts";
import { type Frame, readFrames } from "./frames.ts";
import { type FuzzCase, sentBytes } from "./fuzz-case.ts";
import type { Difference } from "./judge.ts";
import type { Response } from "./outcome.ts";
import type { Play } from "./play.ts";

/** A difference, with all that was seen. */
export interface SeenDifference extends Difference {
  readonly fuzzCase: FuzzCase;
  readonly wire: Play;
  readonly node: Play;
  /** What the server sent after the dial. */
  readonly frames: readonly Frame[];
  /** The last of it is no whole frame. */
  readonly isCutOff: boolean;
}

/** A way in which the engines may differ, and why that is no defect of either, or none that we can mend. */
interface Tolerance {
  readonly name: string;
  readonly reason: string;
  readonly covers: (seen: SeenDifference) => boolean;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what nghttp2 refuses.
const invalidValue = /^[ \t]|[ \t]$|[\x00-\x08\x0a-\x1f\x7f]/;

const tolerances: readonly Tolerance[] = [
  {
    name: "a session left half dead",
    reason:
      "After an error that nghttp2 finds, node:http2 says GOAWAY to the peer and nothing to us, and reads no more: " +
      "its calls wait until PING finds out. The own engine exists because of it.",
    covers: (seen) => condemned(seen.node) && seen.wire.isOver && isStuck(seen),
  },
  {
    name: "a connection error where a stream error will do",
    reason:
      "RFC 9113 §8.1.1 makes a malformed response an error of its stream, §6.3 a PRIORITY frame of a wrong length. " +
      "nghttp2 ends the connection over some of that, and over what follows it, and node:http2 leaves it half dead.",
    covers: (seen) => condemned(seen.node) && seen.wire.calls.some(({ kind }) => kind === "protocol") && isStuck(seen),
  },
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
    name: "PUSH_PROMISE on a stream that is over",
    reason: "nghttp2 skips it there. RFC 9113 §8.4 makes every PUSH_PROMISE an error once push is disabled.",
    covers: ({ wire, node }) => /PUSH_PROMISE although/.test(wire.ownerMessage ?? "") && !condemned(node),
  },
  {
    name: "an answer that nobody asked for",
    reason: "Node ends a session with INTERNAL_ERROR over an ACK of SETTINGS or PING too many. RFC 9113 is silent.",
    covers: ({ fuzzCase, node, frames }) => {
      if (!node.told.goaways.includes(http2ErrorCode.internalError)) return false;
      const acks = (type: number) => frames.filter((frame) => frame.type === type && (frame.flags & 1) === 1).length;
      const before = readFrames(sentBytes(fuzzCase.opening)).frames.filter(
        ({ type, flags }) => type === 4 && flags === 1,
      );
      return acks(frameTypes.ping) > 0 || acks(frameTypes.settings) + before.length > 1;
    },
  },
  {
    name: "frames on streams that are over",
    reason:
      "RFC 9113 §5.1 makes DATA or HEADERS after END_STREAM an error of the connection. nghttp2 has forgotten the " +
      "stream, and skips the frame unread.",
    covers: ({ wire, frames }) => {
      const ended = wire.calls.find(({ kind }) => kind === "connection-error")?.message ?? wire.ownerMessage ?? "";
      const id = Number(/on stream (\d+), which it had ended/.exec(ended)?.[1]);
      return (
        /padding is longer/.test(ended) || frames.some(({ streamId, flags }) => streamId === id && (flags & 1) === 1)
      );
    },
  },
  {
    name: "invalid fields",
    reason: "nghttp2 leaves a field out whose name or value is invalid. RFC 9113 §8.2.1 calls the response malformed.",
    covers: ({ calls }) =>
      calls !== undefined &&
      calls.wire.kind === "protocol" &&
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
    name: "fields judged before their block is whole",
    reason: "nghttp2 reads fields as they come. The own engine waits for the block, which may never be whole.",
    covers: ({ calls, wire, node, isCutOff }) =>
      calls !== undefined &&
      calls.node.result === "failed" &&
      node.told.resets.has(calls.node.streamId) &&
      (wire.isOver ? calls.wire.code === "Unavailable" : isCutOff && calls.wire.result === "pending"),
  },
  {
    name: "CONTINUATION longer than allowed",
    reason: "nghttp2 does not hold CONTINUATION to SETTINGS_MAX_FRAME_SIZE; RFC 9113 §4.2 does.",
    covers: ({ wire, calls }) =>
      /a CONTINUATION frame of \d+ bytes, more than/.test(wire.ownerMessage ?? "") &&
      (calls === undefined || calls.wire.code === "Unavailable"),
  },
  {
    name: "a session given up",
    reason:
      "After some violations that nghttp2 reports too late to name a stream, and after some that RFC 9113 leaves to the " +
      "receiver, Node ends the session with INTERNAL_ERROR.",
    covers: ({ fuzzCase, calls, node }) =>
      fuzzCase.origin !== "valid" &&
      node.isOver &&
      node.told.goaways.includes(http2ErrorCode.internalError) &&
      (calls === undefined || calls.node.result === "refused" || calls.node.code === "Unavailable"),
  },
  {
    name: "ALTSVC and ORIGIN",
    reason: "nghttp2 knows these extensions (RFC 7838, RFC 8336) and their rules. To the own engine they are unknown.",
    covers: (seen) =>
      condemned(seen.node) && seen.frames.some(({ type }) => type === 0xa || type === 0xc) && isStuck(seen),
  },
  {
    name: "a drained session lingers",
    reason: "Node waits for the streams that were reset before it closes, for as long as our linger time allows.",
    covers: ({ wire, node, calls }) =>
      calls === undefined && wire.isOver && node.calls.every(({ result }) => result !== "pending"),
  },
  {
    name: "an end behind a pause",
    reason:
      "A Node stream says nothing of END_STREAM on DATA before everything ahead of it is read. gRPC's responses end " +
      "with trailers, of which Node does tell.",
    covers: ({ fuzzCase, calls }) =>
      calls !== undefined &&
      calls.wire.result === "ok" &&
      calls.node.result !== "ok" &&
      calls.wire.response?.trailers === undefined &&
      fuzzCase.steps.some((step) => "client" in step && step.client === "pause"),
  },
  {
    name: "unsent is more than node:http2 knows",
    reason: "Whether bytes of a request have left is hidden in nghttp2. `unknown` is the safe guess.",
    covers: ({ calls }) =>
      calls !== undefined &&
      calls.wire.progress === "unsent" &&
      calls.node.progress === "unknown" &&
      calls.wire.code === calls.node.code,
  },
  {
    name: "a bare reset",
    reason:
      "node:http2 does not tell RST_STREAM with NO_ERROR from END_STREAM, and does not tell of it before data that is " +
      "unread. The call then fails for want of a status, with Internal as here, or for what comes next.",
    covers: ({ fuzzCase, calls, frames }) => {
      if (calls === undefined || calls.wire.result !== "failed") return false;
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
  {
    name: "CONTINUATION byte by byte",
    reason: "Node ends a session with INTERNAL_ERROR when a header block's CONTINUATION frames come in small pieces.",
    covers: ({ node, frames }) =>
      node.told.goaways.includes(http2ErrorCode.internalError) &&
      frames.some(({ type }) => type === frameTypes.continuation),
  },
];

/** What is left of a response when nghttp2 has dropped the fields that it takes for invalid. */
function strict({ status, headers, trailers, bodyHex }: Response): unknown {
  const kept = (fields: HeaderFields | undefined) =>
    fields?.filter((_, i) => !invalidValue.test(fields[i | 1] as string));
  return { status, bodyHex, headers: kept(headers), trailers: kept(trailers) };
}

/** A call that node:http2 has forgotten, or one that it refused because it could not send it any more. */
function isStuck({ node, calls }: SeenDifference): boolean {
  if (calls === undefined || ["pending", "reset", "refused"].includes(calls.node.result)) return true;
  return calls.node.result === "failed" && !node.told.requests.has(calls.node.streamId);
}

/** The name of the tolerance that covers a difference. */
export function toleratedBy(seen: SeenDifference): string | undefined {
  return tolerances.find(({ covers }) => covers(seen))?.name;
}

function condemned({ told }: Play): boolean {
  return told.goaways.some((code) => code !== http2ErrorCode.noError);
}
