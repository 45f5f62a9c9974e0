import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { testsCell } from "../../support/named-tests.ts";
import type { ClientName, Outcome } from "./clients.ts";
import { http2Rows } from "./http2-rows.ts";
import { lifecycleRows } from "./lifecycle-rows.ts";
import { networkRows } from "./network-rows.ts";
import type { FaultRow } from "./row.ts";

/** A scenario that was run, with every client. */
export interface Measured {
  readonly id: string;
  readonly what: string;
  readonly outcomes: Readonly<Record<ClientName, Outcome>>;
}

export const faultRows: readonly FaultRow[] = [...networkRows, ...http2Rows, ...lifecycleRows];

/** Where `npm run faults` writes down what each client gives. */
export const measuredPath = join(import.meta.dirname, "measured.json");

/** What docs/faults.md says: the rows, their tests, and what was measured. */
export function faultsPage(): string {
  const measured = existsSync(measuredPath) ? (JSON.parse(readFileSync(measuredPath, "utf8")) as Measured[]) : [];
  return [
    "# Faults",
    "",
    "What may go wrong, what must hold then, what glink gives its caller, and the test that holds it to that. For every row the same",
    "holds beside: the call settles once and in time, its error is a ConnectError whose kind `glinkFailureOf` tells, no handler runs more",
    "often than attempts were sent, and after `close()` no socket, timer or listener is left. `npm run faults -- --table` writes this",
    "page, and a test compares it with the tests. A path is below `test/`.",
    "",
    "| row | fault | what must hold | glink gives | engines | tests |",
    "|---|---|---|---|---|---|",
    ...faultRows.map(lineOf),
    "",
    "## The same fault, four clients",
    "",
    "One unary call with a deadline of 2 s to one server, with every client's defaults: `npm run faults` runs these, and asserts for",
    "glink what holds for every row. In brackets what glink knows beside the code: the kind of the failure, how far the request got, and",
    "attempts. Times are of one run.",
    "",
    "| row | the server | glink | glink on node:http2 | createGrpcTransport | grpc-js |",
    "|---|---|---|---|---|---|",
    ...measured.map(({ id, what, outcomes }) => {
      const cells = [
        outcomes["glink, wire"],
        outcomes["glink, node"],
        outcomes.createGrpcTransport,
        outcomes["grpc-js"],
      ];
      return `| ${id} | ${what} | ${cells.map(outcomeText).join(" | ")} |`;
    }),
    "",
  ].join("\n");
}

function lineOf(row: FaultRow): string {
  const { id, fault, holds, gives, engines = "both" } = row;
  return `| ${id} | ${fault} | ${holds} | ${gives} | ${engines} | ${testsCell(row)} |`;
}

function outcomeText({ code, kind, progress, attempts, ms }: Outcome): string {
  const known = [kind, progress, attempts === undefined || attempts < 2 ? undefined : `${attempts} attempts`];
  const shown = known.filter((one) => one !== undefined).join(", ");
  return `${code}${shown === "" ? "" : ` (${shown})`}, ${ms} ms`;
}
