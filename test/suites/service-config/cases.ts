import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { ServiceConfig } from "../../../src/index.ts";

/** What a server does with one attempt: a status in trailers alone, a status after headers, or something of HTTP/2. */
export type Step =
  | number
  | "ok"
  | "silent"
  | "refuse"
  | "lose"
  | { readonly late: number }
  | { readonly pushback: string };

export type Client = "grpc-go" | "grpc-js" | "glink";

/** One service config, the calls that are made with it, and what servers answer. */
export interface Case {
  readonly name: string;
  readonly config: ServiceConfig;
  /** For each call the answers to its attempts; the last one for all that follow. */
  readonly calls: readonly (readonly Step[])[];
  readonly method?: "Unary" | "ServerStream" | "UnaryIdempotent";
  readonly timeoutMs?: number;
  /** Attempts of each call, and how it ends; or that no channel is made. */
  readonly expected: Expected;
  /** Where a client is known to do something else, and why. */
  readonly known?: Partial<Record<Client, { readonly why: string; readonly does: Expected }>>;
}

/** Of each call `attempts` at the servers and the `code`, 0 for success. */
export type Expected = readonly { readonly attempts: number; readonly code: number }[] | "refused";

const service = EchoService.typeName;
const [ok, invalidArgument, deadlineExceeded, notFound, resourceExhausted, unavailable] = [0, 3, 4, 5, 8, 14];

const retryPolicy = {
  maxAttempts: 3,
  initialBackoff: "0.01s",
  maxBackoff: "0.05s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE"],
};

function retrying(fields: object = {}, name: object = { service }): ServiceConfig {
  return { methodConfig: [{ name: [name], retryPolicy: { ...retryPolicy, ...fields } }] };
}

function hedging(fields: object): ServiceConfig {
  return { methodConfig: [{ name: [{ service }], hedgingPolicy: { maxAttempts: 3, ...fields } }] };
}

const one = (attempts: number, code: number): Expected => [{ attempts, code }];

const noHedging = "grpc-go has no hedging: the policy is ignored";
const lateCommit = "glink commits a unary call at its status: nothing was shown before";

export const cases: readonly Case[] = [
  { name: "an empty config retries nothing", config: {}, calls: [[unavailable]], expected: one(1, unavailable) },
  { name: "three attempts, all fail", config: retrying(), calls: [[unavailable]], expected: one(3, unavailable) },
  { name: "the second attempt succeeds", config: retrying(), calls: [[unavailable, "ok"]], expected: one(2, ok) },
  {
    name: "more than five attempts are five",
    config: retrying({ maxAttempts: 10 }),
    calls: [[unavailable]],
    expected: one(5, unavailable),
  },
  { name: "a code that is not listed", config: retrying(), calls: [[notFound]], expected: one(1, notFound) },
  {
    name: "codes by number, and several of them",
    config: retrying({ retryableStatusCodes: [14, "RESOURCE_EXHAUSTED"] }),
    calls: [[resourceExhausted, unavailable, "ok"]],
    expected: one(3, ok),
  },
  {
    name: "a failure that is not retried ends a chain of retries",
    config: retrying(),
    calls: [[unavailable, invalidArgument]],
    expected: one(2, invalidArgument),
  },
  {
    name: "an entry for all services",
    config: retrying({}, {}),
    calls: [[unavailable, "ok"]],
    expected: one(2, ok),
  },
  {
    name: "the entry of another service",
    config: retrying({}, { service: "other.Service" }),
    calls: [[unavailable]],
    expected: one(1, unavailable),
  },
  {
    name: "a method's entry without retries hides that of its service",
    config: { methodConfig: [...(retrying().methodConfig ?? []), { name: [{ service, method: "Unary" }] }] },
    calls: [[unavailable]],
    expected: one(1, unavailable),
  },
  {
    name: "a method's entry, and another method",
    config: retrying({}, { service, method: "UnaryIdempotent" }),
    calls: [[unavailable]],
    expected: one(1, unavailable),
  },
  {
    name: "a pushback is waited for",
    config: retrying(),
    calls: [[{ pushback: "20" }, "ok"]],
    expected: one(2, ok),
  },
  {
    name: "a negative pushback",
    config: retrying(),
    calls: [[{ pushback: "-1" }, "ok"]],
    expected: one(1, unavailable),
  },
  {
    name: "a pushback that is no number",
    config: retrying(),
    calls: [[{ pushback: "soon" }, "ok"]],
    expected: one(1, unavailable),
    known: { "grpc-js": { why: "grpc-js takes it for a wait of NaN, which is none", does: one(2, ok) } },
  },
  {
    name: "a curve that shrinks, with a limit below its start",
    config: retrying({ backoffMultiplier: 0.5, initialBackoff: "0.04s", maxBackoff: "0.02s" }),
    calls: [[unavailable]],
    expected: one(3, unavailable),
  },
  {
    name: "throttling stops retries at half of the tokens",
    config: { ...retrying({ maxAttempts: 5 }), retryThrottling: { maxTokens: 6, tokenRatio: 0.1 } },
    calls: [[unavailable], [unavailable], ["ok"], [unavailable]],
    expected: [
      { attempts: 3, code: unavailable },
      { attempts: 1, code: unavailable },
      { attempts: 1, code: ok },
      { attempts: 1, code: unavailable },
    ],
  },
  {
    name: "successes give tokens back",
    config: { ...retrying(), retryThrottling: { maxTokens: 2, tokenRatio: 1 } },
    calls: [[unavailable], ["ok"], [unavailable, "ok"]],
    expected: [
      { attempts: 1, code: unavailable },
      { attempts: 1, code: ok },
      { attempts: 1, code: unavailable },
    ],
  },
  {
    name: "a refused stream is repeated for free, without a policy",
    config: {},
    calls: [["refuse", "ok"]],
    expected: one(2, ok),
  },
  {
    name: "a connection that is lost",
    config: retrying(),
    calls: [["lose", "ok"]],
    expected: one(2, ok),
  },
  {
    name: "a timeout in seconds",
    config: { methodConfig: [{ name: [{ service }], timeout: "1s" }] },
    calls: [["silent"]],
    expected: one(1, deadlineExceeded),
  },
  {
    name: "a timeout with a fraction",
    config: { methodConfig: [{ name: [{ service }], timeout: "0.25s" }] },
    calls: [["silent"]],
    expected: one(1, deadlineExceeded),
    known: { "grpc-js": { why: "grpc-js takes a fraction for nanoseconds", does: one(0, deadlineExceeded) } },
  },
  {
    name: "a duration that begins with a point, as in the examples of gRFC A6",
    config: retrying({ initialBackoff: ".01s" }),
    calls: [[unavailable, "ok"]],
    expected: one(2, ok),
    known: { "grpc-js": { why: "grpc-js wants a digit before the point", does: "refused" } },
  },
  {
    name: "a call's own shorter deadline",
    config: { methodConfig: [{ name: [{ service }], timeout: "20s" }] },
    timeoutMs: 200,
    calls: [["silent"]],
    expected: one(1, deadlineExceeded),
  },
  {
    name: "fields that nobody knows",
    config: { ...retrying({ color: "blue" }), inventedTomorrow: [1] },
    calls: [[unavailable, "ok"]],
    expected: one(2, ok),
  },
  {
    name: "a status after headers",
    config: retrying(),
    calls: [[{ late: unavailable }, "ok"]],
    expected: one(1, unavailable),
    known: { glink: { why: lateCommit, does: one(2, ok) } },
  },
  {
    name: "no time is left for the wait",
    config: retrying({ initialBackoff: "30s", maxBackoff: "30s" }),
    timeoutMs: 400,
    calls: [[unavailable]],
    expected: one(1, deadlineExceeded),
    known: {
      glink: {
        why: "glink gives the last error at once, and does not wait for the deadline",
        does: one(1, unavailable),
      },
    },
  },
  {
    name: "hedging: the third attempt is answered",
    config: hedging({ hedgingDelay: "0.05s" }),
    timeoutMs: 1_000,
    calls: [["silent", "silent", "ok"]],
    expected: one(3, ok),
    known: { "grpc-go": { why: noHedging, does: one(1, deadlineExceeded) } },
  },
  {
    name: "hedging: non-fatal failures send the next attempts at once",
    config: hedging({ hedgingDelay: "10s", nonFatalStatusCodes: ["UNAVAILABLE"] }),
    calls: [[unavailable, unavailable, "ok"]],
    expected: one(3, ok),
    known: { "grpc-go": { why: noHedging, does: one(1, unavailable) } },
  },
  {
    name: "hedging: any other failure is the answer",
    config: hedging({ hedgingDelay: "10s", nonFatalStatusCodes: ["UNAVAILABLE"] }),
    calls: [[unavailable, notFound]],
    expected: one(2, notFound),
    known: { "grpc-go": { why: noHedging, does: one(1, unavailable) } },
  },
  {
    name: "a policy of one attempt is refused",
    config: retrying({ maxAttempts: 1 }),
    calls: [[unavailable]],
    expected: "refused",
  },
  {
    name: "a policy without codes is refused",
    config: retrying({ retryableStatusCodes: [] }),
    calls: [[unavailable]],
    expected: "refused",
  },
  {
    name: "two entries of one name are refused",
    config: { methodConfig: [{ name: [{ service }] }, { name: [{ service }] }] },
    calls: [[unavailable]],
    expected: "refused",
  },
];
