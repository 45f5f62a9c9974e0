import type { WithheldReason } from "../../index.ts";
import type { FailedAttempt } from "../history/target-history.ts";
import { duration } from "../texts.ts";
import { type Content, el, type Markup } from "./markup.ts";
import { table } from "./table.ts";
import type { TargetReading } from "./target-reading.ts";
import { timeOfDay } from "./time-of-day.ts";

/** Rows that are shown: the snapshot has all that are kept. */
const maxRows = 30;

/** Attempts that failed, the newest first, and what came of each. */
export function failuresTable({ history }: TargetReading): Markup {
  const failures = history.failures.items;
  if (failures.length === 0) return el("p", { class: "none" }, "No attempt has failed since this page exists.");
  const rows = failures
    .map((failure, i) => ({ ...failure, i }))
    .reverse()
    .slice(0, maxRows);
  return table({
    caption: "Failed attempts, the newest first",
    columns: [
      { name: "At (UTC)", cell: ({ atMs }) => timeOfDay(atMs) },
      {
        name: "Method",
        isHeading: true,
        cell: ({ method, attempt }) => [el("code", {}, method), " ", attemptNote(attempt)],
      },
      { name: "Backend", cell: ({ address }) => (address === undefined ? "none" : el("code", {}, address)) },
      { name: "What happened", cell: whatHappened },
      { name: "What came next", cell: whatCameNext },
    ],
    rows,
    key: ({ atMs, i }) => `${atMs}.${i}`,
  });
}

function attemptNote(attempt: number): Content {
  return attempt === 1 ? undefined : el("small", {}, `attempt ${attempt}`);
}

const progressWords = {
  unsent: "nothing of it was sent",
  refused: "the server did not process it",
  unknown: "it may have run",
};

function whatHappened({ error }: FailedAttempt): Content {
  const { kind, message, progress, cause } = error;
  const of = cause === undefined ? "" : ` (${cause.name}${cause.code === undefined ? "" : ` ${cause.code}`})`;
  return [el("span", { class: "error" }, message), " ", el("small", {}, `${kind}${of}; ${progressWords[progress]}`)];
}

const withheldWords: Readonly<Record<WithheldReason, string>> = {
  budget: "no retry: the budget is used up",
  pushback: "no retry: the server asked for none",
  idempotency: "no retry: the method is not idempotent",
  "request-size": "no retry: the request is too large to be kept",
  deadline: "no retry: the deadline is too near",
};

function whatCameNext({ retryDelayMs, withheld }: FailedAttempt): string {
  if (retryDelayMs !== undefined)
    return retryDelayMs === 0 ? "retried at once" : `retried after ${duration(retryDelayMs)}`;
  return withheld === undefined ? "the call failed" : withheldWords[withheld];
}
