/**
 * new ──▶ waiting ──▶ open ──▶ ended ──▶ over
 *            │                            ▲
 *            └────────────────────────────┘  no backend was found, or nobody waits any more
 *
 * `ended`: all of the response has come, and its status is being decompressed, as some protocols have it.
 */
export type AttemptState = "new" | "waiting" | "open" | "ended" | "over";

/** True where nothing of a response is read any more. */
export function hasEnded(state: AttemptState): boolean {
  return state === "ended" || state === "over";
}
