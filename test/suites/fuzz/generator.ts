import { Chance } from "./chance.ts";
import { type Conversation, cut, type Item, validConversation } from "./conversation.ts";
import { describeFrame, readFrames } from "./frames.ts";
import type { CallPlan, FuzzCase, Step } from "./fuzz-case.ts";
import { mutate } from "./mutations.ts";
import type { RecordedSession } from "./recorded-sessions.ts";

/** A valid opening: what the dial needs. Kept as it is in most cases, so that they get beyond the dial. */
const openingChangedShare = 0.04;

/** The case of a seed: always the same as long as the generator and the recorded sessions are. */
export function generateCase(seed: number, recorded: readonly RecordedSession[] = []): FuzzCase {
  const chance = new Chance(seed);
  const initialWindowBytes = chance.pick([65_535, 65_535, 1_048_576]);
  const kind = chance.int(0, 99);
  if (kind < 30) return assemble(chance, { seed, origin: "valid", initialWindowBytes }, validConversation(chance));
  if (kind < 85 || recorded.length === 0) {
    const valid = validConversation(chance);
    const changed = { ...valid, items: mutate(chance, valid.items), opening: changedOpening(chance, valid.opening) };
    return assemble(chance, { seed, origin: "mutated", initialWindowBytes }, changed);
  }
  const session = chance.pick(recorded);
  const { note, origin } = { note: `${session.name}: `, origin: "recorded" } as const;
  const items = chance.is(0.8) ? mutate(chance, session.items) : [...session.items];
  return assemble(chance, { seed, origin, initialWindowBytes, note }, { ...session, items });
}

interface Label extends Pick<FuzzCase, "seed" | "origin" | "initialWindowBytes"> {
  readonly note?: string;
}

function changedOpening(chance: Chance, opening: readonly Buffer[]): Buffer[] {
  if (!chance.is(openingChangedShare)) return [...opening];
  return mutate(
    chance,
    opening.map((bytes) => ({ bytes })),
  ).flatMap((item) => ("bytes" in item ? [item.bytes] : []));
}

function assemble(chance: Chance, label: Label, conversation: Conversation): FuzzCase {
  const { calls, items } = conversation;
  return {
    ...label,
    note: `${label.note ?? ""}${label.origin}, ${calls.length} calls`,
    opening: slice(chance, conversation.opening),
    calls: calls as readonly CallPlan[],
    steps: steps(chance, items),
  };
}

/** Cuts what the server sends between two other steps into writes. */
function steps(chance: Chance, items: readonly Item[]): Step[] {
  const result: Step[] = [];
  let pending: Buffer[] = [];
  for (const item of items) {
    if ("bytes" in item) {
      pending.push(item.bytes);
    } else {
      result.push(...slice(chance, pending), item.step);
      pending = [];
    }
  }
  return [...result, ...slice(chance, pending)];
}

/** The longest run of bytes that is sent one by one. */
const bytewiseMax = 60;

function slice(chance: Chance, frames: readonly Buffer[]): Step[] {
  const all = Buffer.concat(frames);
  if (all.length === 0) return [];
  const way = chance.int(0, 9);
  if (way < 4) return [sendStep(all)];
  if (way < 7) return frames.filter(({ length }) => length > 0).map(sendStep);
  if (way < 9 || all.length > bytewiseMax) return cut(chance, all, chance.int(2, 8)).map(sendStep);
  return [...all].map((byte) => sendStep(Buffer.from([byte])));
}

/** A write of the server's, described as far as it is whole frames. */
export function sendStep(bytes: Buffer): Step {
  const { frames, rest } = readFrames(bytes);
  const parts = frames.map(describeFrame);
  if (rest.length > 0) parts.push(`${rest.length} B that are no whole frame`);
  return { send: bytes.toString("hex"), what: parts.join("; ") };
}
