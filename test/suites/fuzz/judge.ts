import { isDeepStrictEqual } from "node:util";
import { readUint31, readUint32 } from "../../../src/http2/wire/frames.ts";
import { endHeaders, frameTypes } from "../../unit/http2/wire/raw-peer.ts";
import { type Frame, readFrames } from "./frames.ts";
import { type FuzzCase, sentBytes } from "./fuzz-case.ts";
import { type CallOutcome, classOf } from "./outcome.ts";
import type { Play } from "./play.ts";
import { toleratedBy } from "./tolerated.ts";

/** Something that must not be. */
export interface Finding {
  /** The same for the same defect, as far as one can tell: what the minimiser holds on to. */
  readonly signature: string;
  readonly text: string;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  readonly tolerated: readonly Tolerated[];
}

/** A difference that is none of our making, and the name of the tolerance for it. */
export interface Tolerated extends Difference {
  readonly name: string;
}

/** Judges the plays of one case: each by itself, and the two of them against each other. */
export function judge(fuzzCase: FuzzCase, plays: readonly Play[]): Verdict {
  const alone = plays.flatMap((play) => [
    ...play.problems.map((problem) => finding(`${play.engine}: ${problem}`)),
    ...factProblems(fuzzCase, play).map((problem) => finding(`${play.engine}: ${problem}`)),
  ]);
  const wire = plays.find(({ engine }) => engine === "wire");
  const node = plays.find(({ engine }) => engine === "node");
  if (wire === undefined || node === undefined) return { findings: alone, tolerated: [] };
  const tolerated: Tolerated[] = [];
  const openingFrames = readFrames(sentBytes(fuzzCase.opening)).frames;
  const all = readFrames(sentBytes([...fuzzCase.opening, ...fuzzCase.steps]));
  const frames = all.frames.slice(openingFrames.length);
  const isCutOff = all.rest.length > 0 || lacksEndOfBlock(frames);
  const seen = { fuzzCase, wire, node, openingFrames, frames, isCutOff };
  const findings = differences(fuzzCase, wire, node).filter((difference) => {
    const name = toleratedBy({ ...seen, ...difference });
    if (name !== undefined) tolerated.push({ name, ...difference });
    return name === undefined;
  });
  return { findings: [...alone, ...findings.map(({ text }) => finding(text))], tolerated };
}

/** A header block was begun, and its last frame has not come. */
function lacksEndOfBlock(frames: readonly Frame[]): boolean {
  const last = frames.findLast(({ type }) => type === frameTypes.headers || type === frameTypes.continuation);
  return last !== undefined && (last.flags & endHeaders) === 0;
}

/** Numbers and quoted text differ from case to case of one defect. */
function finding(text: string): Finding {
  return { text, signature: text.replaceAll(/\d+/g, "#").replaceAll(/"[^"]*"/g, '""') };
}

/** What differs between two engines. */
export interface Difference {
  readonly text: string;
  /** The call it is about, if it is about one, as each engine left it. */
  readonly calls?: { readonly wire: CallOutcome; readonly node: CallOutcome };
}

function differences(fuzzCase: FuzzCase, wire: Play, node: Play): Difference[] {
  if ((wire.dialFailure === undefined) !== (node.dialFailure === undefined)) {
    return [{ text: `dial: wire ${wire.dialFailure ?? "ok"}, node ${node.dialFailure ?? "ok"}` }];
  }
  const result: Difference[] = [];
  for (const [i, ofWire] of wire.calls.entries()) {
    const ofNode = node.calls[i];
    if (ofNode !== undefined) result.push(...callDifferences(ofWire, ofNode));
  }
  // Where calls differ, that the connection does too is the same difference.
  if (wire.isOver !== node.isOver && result.length === 0) {
    result.push({ text: `connection: wire ${wire.isOver ? "over" : "open"}, node ${node.isOver ? "over" : "open"}` });
  }
  if (fuzzCase.origin === "valid") result.push(...toldDifferences(wire, node));
  return result;
}

function callDifferences(wire: CallOutcome, node: CallOutcome): Difference[] {
  const calls = { wire, node };
  if (classOf(wire) !== classOf(node)) {
    return [{ calls, text: `call: wire ${classOf(wire)}, node ${classOf(node)}; wire says: ${wire.message ?? "-"}` }];
  }
  const a = wire.response;
  const b = node.response;
  if (a === undefined || b === undefined) return [];
  return (["status", "headers", "bodyHex", "trailers"] as const)
    .filter((part) => !isDeepStrictEqual(a[part], b[part]))
    .map((part) => ({ calls, text: `call: other ${part} of an ok response` }));
}

/** Answers that the peer is owed, and what flow control lets through. */
function toldDifferences(wire: Play, node: Play): Difference[] {
  const result: Difference[] = [];
  if (wire.isOver || node.isOver) return result;
  for (const what of ["pingAnswers", "settingsAnswers"] as const) {
    if (wire.told[what] !== node.told[what]) {
      result.push({ text: `told: ${what}, wire ${wire.told[what]}, node ${node.told[what]}` });
    }
  }
  // Which stream gets how much of the connection's window is an engine's own affair, and so is what it sends of a
  // request that has its answer.
  const sent = ({ told }: Play) => [...told.bodyBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const pending = wire.calls.every((call) => call.result === "pending" || call.result === "refused");
  if (pending && sent(wire) !== sent(node)) {
    result.push({ text: `told: request bytes, wire ${sent(wire)}, node ${sent(node)}` });
  }
  return result;
}

/** Outcomes that what was sent, and what came, prove wrong. */
function factProblems(fuzzCase: FuzzCase, play: Play): string[] {
  const { frames } = readFrames(sentBytes([...fuzzCase.opening, ...fuzzCase.steps]));
  const problems: string[] = [];
  for (const { streamId, result, progress, kind, message } of play.ended) {
    const has = (matches: (frame: Frame) => boolean) => frames.some(matches);
    if (result === "ok" && !has((frame) => frame.streamId === streamId && mayEnd(frame, play.engine))) {
      problems.push("a call is ok although the peer did not end its stream");
    }
    if (progress === "unsent" && play.told.requests.has(streamId)) {
      problems.push(`a call is unsent although its headers came: ${kind}, ${message}`);
    }
    // nghttp2 itself refuses what it has never sent.
    if (progress === "refused" && play.told.requests.has(streamId) && !has((frame) => refuses(frame, streamId))) {
      problems.push(`a call is refused although the peer did not say so: ${kind}, ${message}`);
    }
    if (fuzzCase.origin === "valid" && (kind === "protocol" || kind === "connection-error")) {
      problems.push(`a valid conversation is called a violation: ${message}`);
    }
  }
  return problems;
}

/** node:http2 does not tell RST_STREAM with NO_ERROR from END_STREAM. */
function mayEnd({ type, flags, payload }: Frame, engine: string): boolean {
  if (type === frameTypes.rstStream && payload.length === 4) return engine === "node" && readUint32(payload, 0) === 0;
  return (type === frameTypes.data || type === frameTypes.headers) && (flags & 1) === 1;
}

function refuses({ type, streamId, payload }: Frame, id: number): boolean {
  if (type === frameTypes.rstStream) return streamId === id && payload.length === 4 && readUint32(payload, 0) === 7;
  return type === frameTypes.goaway && payload.length >= 8 && readUint31(payload, 0) < id;
}
