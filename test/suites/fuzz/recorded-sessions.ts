import { recordedSessions } from "../corpus/corpus.ts";
import type { Conversation } from "./conversation.ts";
import { readFrames } from "./frames.ts";

/** What a real server sent, as a conversation to mutate. */
export interface RecordedSession extends Conversation {
  readonly name: string;
}

/** Beyond that a session is about many calls or large messages, and too slow to play by the thousand. */
const longestSessionBytes = 60_000;

/** More calls at once than in any case that the generator makes; rounds of a session become one. */
const mostCalls = 4;

/** The corpus as conversations: the opening is what a server said before the first call. */
export function readRecordedSessions(): RecordedSession[] {
  const sessions: RecordedSession[] = [];
  for (const [name, { calls, chunks }] of recordedSessions()) {
    const bytes = Buffer.concat(chunks.map(({ hex }) => Buffer.from(hex, "hex")));
    const { frames, rest } = readFrames(bytes);
    if (calls.length > mostCalls || bytes.length > longestSessionBytes) continue;
    const opening = Buffer.concat(
      chunks.filter(({ after }) => after.calls === 0).map(({ hex }) => Buffer.from(hex, "hex")),
    );
    const openingFrames = readFrames(opening).frames;
    sessions.push({
      name,
      opening: openingFrames.map((frame) => frame.bytes),
      calls: calls.map(({ messages, sends }) => ({ bodyBytes: messages.join("").length / 2, ends: sends === "whole" })),
      items: [
        ...frames.slice(openingFrames.length).map((frame) => ({ bytes: frame.bytes })),
        ...(rest.length > 0 ? [{ bytes: rest }] : []),
      ],
    });
  }
  return sessions;
}
