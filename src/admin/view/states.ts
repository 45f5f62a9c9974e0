import type { ConnectivityState, GlinkSnapshot } from "../../index.ts";
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

/** A target is well when all its backends are: one of three that fails is what somebody wants to see. */
export function targetHealth({ state, subchannels }: GlinkSnapshot): Health {
  if (state !== "ready") return healthOfState[state];
  if (subchannels.some((one) => one.state === "transient-failure" || one.availability !== "usable")) return "bad";
  return subchannels.every((one) => one.state === "ready") ? "well" : "busy";
}

export function readyCount({ subchannels }: GlinkSnapshot): number {
  return subchannels.filter(({ state }) => state === "ready").length;
}
