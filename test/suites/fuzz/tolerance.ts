import { http2ErrorCode } from "../../../src/http2/error-codes.ts";
import type { Frame } from "./frames.ts";
import type { FuzzCase } from "./fuzz-case.ts";
import type { Difference } from "./judge.ts";
import type { Play } from "./play.ts";

/** A difference, with all that was seen. */
export interface SeenDifference extends Difference {
  readonly fuzzCase: FuzzCase;
  readonly wire: Play;
  readonly node: Play;
  /** What the server sent before the dial was over. */
  readonly openingFrames: readonly Frame[];
  /** And after it. */
  readonly frames: readonly Frame[];
  /** The last of it is no whole frame, or no whole header block. */
  readonly isCutOff: boolean;
}

/** A way in which the engines may differ, and why that is no defect of either, or none that we can mend. */
export interface Tolerance {
  readonly name: string;
  readonly reason: string;
  /** Also where the server breaks no rule. */
  readonly evenIfValid?: true;
  readonly covers: (seen: SeenDifference) => boolean;
}

/** The engine told its peer that it broke the rules. */
export function condemned({ told }: Play): boolean {
  return told.goaways.some((code) => code !== http2ErrorCode.noError);
}

/** The own engine found fault with the peer, or would have, had it seen all of it. */
export function isSuspect({ wire, isCutOff }: SeenDifference): boolean {
  return isCutOff || condemned(wire) || wire.calls.some(({ kind }) => kind === "protocol");
}

/** The session of node:http2 has said GOAWAY and reads no more: it has forgotten the call, or could not send it any more. */
export function isHalfDead({ node, calls }: SeenDifference): boolean {
  if (!condemned(node)) return false;
  if (calls !== undefined && !node.told.requests.has(calls.node.streamId)) return true;
  return !node.isOver && (calls === undefined || ["pending", "reset"].includes(calls.node.result));
}

/** The session of node:http2 has ended itself, with INTERNAL_ERROR, and the call with it. */
export function isGivenUp({ node, calls }: SeenDifference): boolean {
  if (!node.isOver || !node.told.goaways.includes(http2ErrorCode.internalError)) return false;
  return calls === undefined || calls.node.result === "refused" || calls.node.code === "Unavailable";
}
