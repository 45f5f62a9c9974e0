import { isDeepStrictEqual } from "node:util";
import { type PlayerName, type Players, playerNames, type Seen } from "./players.ts";
import type { Responder } from "./responder.ts";
import type { ResponseCase } from "./response-case.ts";
import { tolerances } from "./tolerances.ts";

/** What is wrong with a case, in words; or the names of what is known and borne. */
export interface Examined {
  readonly findings: readonly string[];
  readonly tolerated: readonly string[];
  readonly seen: Readonly<Record<PlayerName, Seen>>;
}

/** Plays a case to all players and compares what they saw. */
export async function examine(responder: Responder, players: Players, one: ResponseCase): Promise<Examined> {
  responder.answerWith(one);
  const seen = {} as Record<PlayerName, Seen>;
  for (const name of playerNames) seen[name] = await players.play(name, one);
  const findings: string[] = [];
  const tolerated: string[] = [];
  for (const name of ["wire", "node"] as const) {
    const { code, text } = seen[name];
    if (code === "DeadlineExceeded" && /timed out/.test(text)) findings.push(`${name}: the call hung`);
    if (code !== undefined && !/^[A-Z][A-Za-z]+$/.test(code)) findings.push(`${name}: no code of Connect's, ${code}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    if (code !== undefined && /HTTP \d|content type/.test(text) && /[\x00-\x1f]/.test(text))
      findings.push(`${name}: control characters in ${JSON.stringify(text)}`);
  }
  if (!isDeepStrictEqual(seen.wire, seen.node))
    findings.push(`the engines differ: ${show(seen.wire)} and ${show(seen.node)}`);
  const { wire: own, original } = seen;
  if (
    own.code !== original.code ||
    own.messages.length !== original.messages.length ||
    own.details !== original.details
  ) {
    const tolerance = tolerances.find(({ covers }) => covers({ one, own, original }));
    if (tolerance !== undefined) tolerated.push(tolerance.name);
    else findings.push(`glink saw ${show(own)}, connect-node ${show(original)}`);
  }
  return { findings, tolerated, seen };
}

function show({ code = "success", text, messages, details }: Seen): string {
  return `${code} "${text.slice(0, 100)}" after ${messages.length} messages, ${details} details`;
}
