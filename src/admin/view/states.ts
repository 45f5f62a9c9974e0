import type { ConnectivityState, GlinkSnapshot, SubchannelSnapshot } from "../../index.ts";
import { el, type Markup } from "./markup.ts";

/** How well something is: its look, and the sign that says the same without colour. */
export type Health = "well" | "busy" | "bad" | "still";

const signs: Readonly<Record<Health, string>> = { well: "●", busy: "◐", bad: "▲", still: "○" };

const healthOfState: Readonly<Record<ConnectivityState, Health>> = {
  ready: "well",
  connecting: "busy",
  "transient-failure": "bad",
  idle: "still",
  shutdown: "still",
};

/** A state in a word, with a sign and a colour. */
export function badge(health: Health, text: string): Markup {
  return el("span", { class: `badge ${health}` }, el("span", { "aria-hidden": "true" }, `${signs[health]} `), text);
}

export function stateBadge(state: ConnectivityState): Markup {
  return badge(healthOfState[state], state);
}

/** A backend that fails, also while it waits for its next dial, or that calls avoid. */
export function isTroubled({ state, availability, lastError }: SubchannelSnapshot): boolean {
  return state === "transient-failure" || (state !== "ready" && lastError !== undefined) || availability !== "usable";
}

/** A target is well when all its backends are: one of three that fails is what somebody wants to see. */
export function targetHealth({ state, subchannels }: GlinkSnapshot): Health {
  if (state !== "ready") return healthOfState[state];
  if (subchannels.some(isTroubled)) return "bad";
  return subchannels.every((one) => one.state === "ready") ? "well" : "busy";
}

export function readyCount({ subchannels }: GlinkSnapshot): number {
  return subchannels.filter(({ state }) => state === "ready").length;
}
