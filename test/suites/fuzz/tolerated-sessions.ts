import { largestWindowBytes, readUint31 } from "../../../src/http2/wire/frames.ts";
import { frameTypes } from "../../unit/http2/wire/raw-peer.ts";
import type { Frame } from "./frames.ts";
import { condemned, isGivenUp, isHalfDead, isSuspect, type SeenDifference, type Tolerance } from "./tolerance.ts";

/** RFC 9218 §2.1: of no use to a client that sends no priorities. */
const noRfc7540Priorities = 9;

/** ALTSVC (RFC 7838) and ORIGIN (RFC 8336). */
const extensionTypes = [0xa, 0xc];

/** Differences in whether a connection ends, and in what its end does to its calls. */
export const toleratedSessions: readonly Tolerance[] = [
  {
    name: "a session left half dead",
    reason:
      "After an error that nghttp2 finds, node:http2 says GOAWAY to the peer and nothing to us, and reads no more: " +
      "its calls wait until PING finds out. The own engine exists because of it.",
    covers: (seen) => isHalfDead(seen) && seen.wire.isOver && (condemned(seen.wire) || seen.isCutOff),
  },
  {
    name: "a connection error where a stream error will do",
    reason:
      "RFC 9113 §8.1.1 makes a malformed response an error of its stream, §6.3 a PRIORITY frame of a wrong length. " +
      "nghttp2 ends the connection over some of that, and over what follows it, and node:http2 leaves it half dead.",
    covers: (seen) => isHalfDead(seen) && seen.wire.calls.some(({ kind }) => kind === "protocol"),
  },
  {
    name: "a session given up",
    reason:
      "Where nghttp2 finds a frame invalid whose stream is over, and in some other places, Node ends the session with " +
      "INTERNAL_ERROR. The own engine ends the stream, or says what is wrong.",
    covers: (seen) => isGivenUp(seen) && isSuspect(seen),
  },
  {
    name: "CONTINUATION in small pieces",
    reason: "nghttp2 ends a session for a header block in more than eight frames, and node:http2 for some with fewer.",
    evenIfValid: true,
    covers: (seen) => isGivenUp(seen) && seen.frames.some(({ type }) => type === frameTypes.continuation),
  },
  {
    name: "an answer that nobody asked for",
    reason: "Node ends a session with INTERNAL_ERROR over an ACK of SETTINGS or PING too many. RFC 9113 is silent.",
    covers: (seen) => {
      const acks = (frames: readonly Frame[], type: number) =>
        frames.filter((frame) => frame.type === type && (frame.flags & 1) === 1).length;
      const { openingFrames, frames } = seen;
      const settingsAcks = acks(openingFrames, frameTypes.settings) + acks(frames, frameTypes.settings);
      return isGivenUp(seen) && (acks(frames, frameTypes.ping) > 0 || settingsAcks > 1);
    },
  },
  {
    name: "extensions",
    reason:
      "nghttp2 knows ALTSVC, ORIGIN and SETTINGS_NO_RFC7540_PRIORITIES, and their rules. To the own engine they are " +
      "unknown, and ignored (RFC 9113 §5.5).",
    covers: (seen) => {
      const isOne = (frame: Frame) => extensionTypes.includes(frame.type) || sets(frame, noRfc7540Priorities);
      return (isHalfDead(seen) || isGivenUp(seen)) && seen.frames.some(isOne);
    },
  },
  {
    name: "a window filled to its limit",
    reason:
      "Whether an increment is too much depends on what was sent before, and which stream got the connection's window " +
      "is an engine's own affair. Node ends the session where nghttp2 wants to end the stream.",
    covers: (seen) =>
      isGivenUp(seen) &&
      seen.frames.some(
        ({ type, payload }) =>
          type === frameTypes.windowUpdate && payload.length === 4 && readUint31(payload, 0) === largestWindowBytes,
      ),
  },
  {
    name: "an empty WINDOW_UPDATE on a stream that is over",
    reason:
      "RFC 9113 §6.9 makes it an error of the stream, and §5.1 lets a client that has reset the stream ignore it, as " +
      "the own engine does. Node ends the session with INTERNAL_ERROR.",
    covers: (seen) =>
      isGivenUp(seen) &&
      seen.frames.some(
        ({ type, payload }) => type === frameTypes.windowUpdate && payload.length === 4 && readUint31(payload, 0) === 0,
      ),
  },
  {
    name: "GOAWAY that gives back",
    reason: "RFC 9113 §6.8 forbids a last stream id above an earlier one, and no end of the connection depends on it.",
    covers: (seen) => {
      const ids = seen.frames
        .filter(({ type, payload }) => type === frameTypes.goaway && payload.length >= 8)
        .map(({ payload }) => readUint31(payload, 0));
      const grows = ids.some((id, i) => i > 0 && id > (ids[i - 1] as number));
      return grows && (isGivenUp(seen) || isHalfDead(seen) || seen.calls?.node.kind === "goaway");
    },
  },
  {
    name: "frames on streams that are over",
    reason:
      "RFC 9113 §5.1 makes DATA or HEADERS after END_STREAM an error of the connection, and §6.1 does DATA whose padding " +
      "is longer than itself. nghttp2 has forgotten the stream, and skips the frame unread.",
    covers: (seen) => {
      const { wire, calls, frames } = seen;
      if (!isEndedByWire(seen)) return false;
      const id = Number(/on stream (\d+), which it had ended/.exec(wire.ownerMessage ?? "")?.[1]);
      if (frames.some(({ streamId, flags }) => streamId === id && (flags & 1) === 1)) return true;
      const isOverpadded = ({ type, flags, payload }: Frame) =>
        type === frameTypes.data && (flags & 8) !== 0 && payload.length > 0 && (payload[0] as number) >= payload.length;
      return (
        /padding is longer/.test(wire.ownerMessage ?? "") &&
        frames.some((frame) => isOverpadded(frame) && frame.streamId !== calls?.node.streamId)
      );
    },
  },
  {
    name: "PUSH_PROMISE on a stream that is over",
    reason: "nghttp2 skips it there. RFC 9113 §8.4 makes every PUSH_PROMISE an error once push is disabled.",
    covers: (seen) => isPush(seen) && !condemned(seen.node),
  },
  {
    name: "PUSH_PROMISE before our SETTINGS are acknowledged",
    reason: "nghttp2 allows it until then. But who read a request has read the SETTINGS ahead of it, which forbid it.",
    covers: (seen) =>
      isPush(seen) && !seen.openingFrames.some(({ type, flags }) => type === frameTypes.settings && (flags & 1) === 1),
  },
  {
    name: "CONTINUATION longer than allowed",
    reason: "nghttp2 does not hold CONTINUATION to SETTINGS_MAX_FRAME_SIZE; RFC 9113 §4.2 does.",
    covers: (seen) =>
      isEndedByWire(seen) && /a CONTINUATION frame of \d+ bytes, more than/.test(seen.wire.ownerMessage ?? ""),
  },
  {
    name: "a drained session lingers",
    reason: "Node waits for the streams that were reset before it closes, for as long as our linger time allows.",
    evenIfValid: true,
    covers: ({ fuzzCase, wire, node, calls, frames }) =>
      calls === undefined &&
      wire.isOver &&
      !condemned(wire) &&
      node.calls.every(({ result }) => result !== "pending") &&
      (frames.some(({ type }) => type === frameTypes.goaway) ||
        fuzzCase.steps.some((step) => "client" in step && step.client === "drain")),
  },
];

/**
 * The own engine alone ended the connection over what came, and the call with it: one whose answer that was with
 * "protocol", others with "connection-error".
 */
function isEndedByWire({ wire, calls }: SeenDifference): boolean {
  if (!condemned(wire)) return false;
  if (calls === undefined || calls.wire.result === "refused") return true;
  return calls.wire.kind === "connection-error" || calls.wire.kind === "protocol";
}

function isPush(seen: SeenDifference): boolean {
  return isEndedByWire(seen) && /PUSH_PROMISE although/.test(seen.wire.ownerMessage ?? "");
}

function sets({ type, payload }: Frame, setting: number): boolean {
  if (type !== frameTypes.settings) return false;
  for (let at = 0; at + 6 <= payload.length; at += 6) if (payload.readUInt16BE(at) === setting) return true;
  return false;
}
