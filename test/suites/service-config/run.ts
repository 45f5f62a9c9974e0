import { isDeepStrictEqual } from "node:util";
import { hasGo } from "../../support/go-tools.ts";
import { type Case, type Client, cases, type Expected } from "./cases.ts";
import { type Job, type Outcome, peers } from "./peers.ts";
import { type AnsweringServer, answeringServer } from "./server.ts";

/*
 * npm run service-config [-- --verbose]
 * The same service config, as JSON, through grpc-go, grpc-js and glink: the same attempts at the servers, and the same
 * codes. What a client is known to do in its own way is named, and has to be just that.
 */

const keyOf = (client: Client, caseNumber: number, call: number) => `${client}/${caseNumber}/${call}`;

function jobsFor(client: Client): Job[] {
  return cases.map(({ config, calls, timeoutMs = 3_000 }, i) => ({
    id: String(i),
    config,
    calls: calls.map((_, call) => ({ key: keyOf(client, i, call), timeoutMs })),
  }));
}

/** What a client did in a case. */
function seen(client: Client, i: number, { refused, codes }: Outcome, server: AnsweringServer): Expected {
  if (refused !== undefined) return "refused";
  return codes.map((code, call) => ({ attempts: server.attempts.get(keyOf(client, i, call)) ?? 0, code }));
}

function textOf(expected: Expected): string {
  if (expected === "refused") return "refused";
  return expected.map(({ attempts, code }) => `${attempts} attempts, code ${code}`).join("; ");
}

/** Returns what is wrong. */
function judge({ name, expected, known }: Case, client: Client, did: Expected): string | undefined {
  const exception = known?.[client];
  const wanted = exception?.does ?? expected;
  if (isDeepStrictEqual(did, wanted)) return undefined;
  return `${client}, ${name}: ${textOf(did)}, and not ${textOf(wanted)}${exception === undefined ? "" : ` (${exception.why})`}`;
}

const clients = (["grpc-go", "grpc-js", "glink"] as const).filter((client) => client !== "grpc-go" || hasGo());
if (clients.length < 3) console.log("service config through grpc-go: skipped, Go is not installed");
const server = await answeringServer((key) => {
  const [, i, call] = key.split("/");
  return cases[Number(i)]?.calls[Number(call)] ?? ["ok"];
});
let failed = 0;
for (const client of clients) {
  const outcomes = await peers[client](server.port, jobsFor(client));
  const wrong = cases.flatMap((one, i) => judge(one, client, seen(client, i, outcomes[i] as Outcome, server)) ?? []);
  for (const text of wrong) console.log(`FAILED  ${text}`);
  const exceptions = cases.flatMap(({ name, known }) =>
    known?.[client] === undefined ? [] : [`${name}: ${known[client].why}`],
  );
  console.log(
    `${client}: ${cases.length - wrong.length} of ${cases.length} configs, ${exceptions.length} of them in its own way`,
  );
  if (process.argv.includes("--verbose")) for (const text of exceptions) console.log(`  ${text}`);
  failed += wrong.length;
}
server.close();
process.exitCode = failed === 0 ? 0 : 1;
