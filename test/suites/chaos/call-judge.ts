import { Code, ConnectError } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type ExplainedValue, type GlinkTransport, glinkFailureOf } from "../../../src/index.ts";
import { type ChaosCall, ownError } from "./chaos-call.ts";
import type { JsonObject } from "./draws.ts";
import type { LoopLag } from "./loop-lag.ts";
import type { Finding } from "./messages.ts";
import type { Plan } from "./plan.ts";

/** What a call may take beyond its time, beside what the event loop was late. */
const slackMs = 250;
const longest = Number.POSITIVE_INFINITY;
/** Deadlines are rounded to a timer's millisecond. */
const earlyMs = 5;

/** What calls fail with where every server is honest. */
const honestCodes: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted]);

/** Judges calls that have ended, by what holds whatever happens. */
export class CallJudge {
  readonly #plan: Plan;
  readonly #transport: GlinkTransport;
  readonly #lag: LoopLag;
  /** Addresses of servers that lie. */
  readonly #liars: ReadonlySet<string>;
  /** Addresses of servers of C-core: one that ends answers Canceled to what still runs when its grace is over. */
  readonly #cancellers: ReadonlySet<string>;
  readonly #closedMs: () => number | undefined;

  constructor(parts: {
    readonly plan: Plan;
    readonly transport: GlinkTransport;
    readonly lag: LoopLag;
    readonly addresses: readonly string[];
    /** When the transport was closed. */
    readonly closedMs: () => number | undefined;
  }) {
    const { plan, transport, lag, addresses, closedMs } = parts;
    this.#plan = plan;
    this.#transport = transport;
    this.#lag = lag;
    this.#liars = new Set(addresses.filter((_, index) => (plan.backends[index]?.lies ?? 0) > 0));
    this.#cancellers = new Set(addresses.filter((_, index) => plan.backends[index]?.kind === "c-core"));
    this.#closedMs = closedMs;
  }

  judge(call: ChaosCall): Finding[] {
    return [...this.#time(call), ...this.#error(call), ...this.#answer(call), ...this.#attempts(call)];
  }

  /** The time that a call has: its own, or its method's where that is less (gRFC A2). Undefined: it has no end. */
  #timeoutMs({ planned }: ChaosCall): number | undefined {
    const explained = this.#explained(planned.kind).find(({ name }) => name === "timeoutMs");
    const ofMethod = explained?.value as number | undefined;
    if (planned.timeoutMs === undefined) return ofMethod;
    // What the transport says is for calls that name none.
    return explained?.origin.startsWith("transport")
      ? planned.timeoutMs
      : Math.min(planned.timeoutMs, ofMethod ?? longest);
  }

  #time(call: ChaosCall): Finding[] {
    const { startedMs, endedMs, waitingSinceMs, abortedMs } = call;
    const timeoutMs = this.#timeoutMs(call);
    const ends = [abortedMs, timeoutMs === undefined || timeoutMs <= 0 ? undefined : startedMs + timeoutMs];
    const dueMs = Math.min(...ends.map((ms) => ms ?? Number.POSITIVE_INFINITY));
    if (endedMs === undefined) return [this.#finding("I1", call, "never settled, though it was aborted")];
    const fromMs = Math.max(dueMs, waitingSinceMs);
    const lateMs = endedMs - fromMs - this.#lag.worstMs(fromMs, endedMs);
    return lateMs > slackMs ? [this.#finding("I1", call, `settled too late, by ${Math.round(lateMs)} ms`)] : [];
  }

  #error(call: ChaosCall): Finding[] {
    const { error, startedMs, endedMs = 0 } = call;
    if (error === undefined || error === ownError) return [];
    if (!(error instanceof ConnectError)) return [this.#finding("I3", call, `rejected with ${String(error)}`)];
    const failure = glinkFailureOf(error);
    if (failure === undefined) {
      // docs/errors.md: what a codec cannot write is told as it is.
      const isOfCodec = /writeMaxBytes/.test(error.message) || call.attempts.at(-1)?.code === undefined;
      return isOfCodec ? [] : [this.#finding("I3", call, `no kind is known of ${error.message}`)];
    }
    const findings: Finding[] = [];
    const timeoutMs = this.#timeoutMs(call);
    if (failure.kind === "deadline" && timeoutMs !== undefined && endedMs - startedMs < timeoutMs - earlyMs) {
      findings.push(this.#finding("I1", call, `its deadline came after ${Math.round(endedMs - startedMs)} ms`));
    }
    if (!this.#mayHave(call, error)) {
      const text = `failed with ${Code[error.code]} (${failure.kind}, ${failure.progress}): ${error.rawMessage}`;
      findings.push(this.#finding("I3", call, text));
    }
    return findings;
  }

  #mayHave(call: ChaosCall, { code }: ConnectError): boolean {
    const { planned, abortedMs, attempts } = call;
    if (honestCodes.has(code) || code === planned.failCode) return true;
    if (code === Code.Canceled && abortedMs !== undefined) return true;
    if (this.#closedMs() !== undefined && (code === Code.Canceled || code === Code.FailedPrecondition)) return true;
    const mayComeFrom = new Set([...this.#liars, ...(code === Code.Canceled ? this.#cancellers : [])]);
    return attempts.some(({ address }) => address !== undefined && mayComeFrom.has(address));
  }

  #answer(call: ChaosCall): Finding[] {
    return call.wrong.slice(0, 1).map((text) => this.#finding("I4", call, `was answered with ${text}`));
  }

  /** No more attempts that may have run than the policy has. */
  #attempts(call: ChaosCall): Finding[] {
    const ran = call.attempts.filter(
      ({ address, code, progress }) => address !== undefined && (code === undefined || progress === "unknown"),
    );
    const permitted = this.#permitted(call);
    return ran.length > permitted
      ? [this.#finding("I4", call, `may have run ${ran.length} times where its policy permits ${permitted}`)]
      : [];
  }

  #permitted({ planned }: ChaosCall): number {
    const { retry, hedging } = planned.own as { retry?: false | JsonObject; hedging?: false | JsonObject };
    const explained = this.#explained(planned.kind);
    const maxOf = (own: false | JsonObject | undefined, name: string) => {
      if (own === false) return 1;
      if (typeof own?.maxAttempts === "number") return own.maxAttempts;
      const set = explained.find((one) => one.name === `${name}.maxAttempts`)?.value;
      return typeof set === "number" ? set : own === undefined ? 1 : 3;
    };
    return Math.max(maxOf(retry, "retry"), maxOf(hedging, "hedging"));
  }

  #explained(kind: ChaosCall["planned"]["kind"]): readonly ExplainedValue[] {
    return this.#transport.explain(EchoService.method[kind === "idempotent" ? "unaryIdempotent" : kind]).values;
  }

  #finding(invariant: string, { planned, attempts }: ChaosCall, text: string): Finding {
    const { id, kind } = planned;
    const told = attempts.map(({ address, code, progress }) => `${address} ${code ?? "OK"} ${progress ?? ""}`.trim());
    return {
      invariant,
      text: `${text} (${kind} call ${id}, ${this.#plan.engine}, attempts: ${told.join("; ") || "none"})`,
    };
  }
}
