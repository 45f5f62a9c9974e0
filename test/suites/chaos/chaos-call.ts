import { setTimeout as sleep } from "node:timers/promises";
import { type CallOptions, type Client, Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type AttemptReport, type GlinkCallOptions, glinkCall } from "../../../src/index.ts";
import { callText, type PlannedCall, requestIdOf } from "./plan.ts";

/** What the caller's own iterable throws. */
export const ownError = new ConnectError("the caller's own", Code.DataLoss);

/** A call of the plan: makes it, and keeps what came of it. */
export class ChaosCall {
  readonly planned: PlannedCall;
  readonly attempts: AttemptReport[] = [];
  readonly startedMs = performance.now();
  /** Undefined: it goes on. */
  endedMs: number | undefined;
  /** Undefined: it succeeded, or was left. */
  error: unknown;
  /** Since when the caller waits: a reader that pauses waits for nothing. */
  waitingSinceMs = this.startedMs;
  abortedMs: number | undefined;
  /** The request iterable threw. */
  threw = false;
  left = false;
  /** What an answer had that it must not have. */
  readonly wrong: string[] = [];
  readonly #abort = new AbortController();

  constructor(planned: PlannedCall) {
    this.planned = planned;
  }

  abort(): void {
    this.abortedMs ??= performance.now();
    this.#abort.abort();
  }

  /** Never rejects. */
  async run(client: Client<typeof EchoService>): Promise<void> {
    const { abortMs } = this.planned;
    const timer = abortMs === undefined ? undefined : setTimeout(() => this.abort(), abortMs);
    try {
      await this.#call(client);
    } catch (error) {
      this.error = error;
    }
    this.endedMs = performance.now();
    clearTimeout(timer);
  }

  async #call(client: Client<typeof EchoService>): Promise<void> {
    const { planned } = this;
    const { kind, responseBytes, messages, delayMs } = planned;
    const text = callText(planned);
    const options = this.#options();
    const behavior = this.#behavior();
    const payload = new Uint8Array(planned.requestBytes);
    if (kind === "unary") {
      const answer = await client.unary({ text, payload, responseBytes, behavior }, options);
      this.#expect("text", answer.text, text);
      this.#expect("bytes", answer.payload.length, responseBytes > 0 ? responseBytes : payload.length);
    } else if (kind === "idempotent") {
      this.#expect("text", (await client.unaryIdempotent({ text, behavior }, options)).text, text);
    } else if (kind === "clientStream") {
      const answer = await client.clientStream(this.#requests(payload), options);
      this.#expect("count", answer.count, messages);
      this.#expect("bytes", answer.payloadBytes, BigInt(messages * payload.length));
    } else if (kind === "serverStream") {
      const request = {
        text,
        count: messages,
        messageBytes: responseBytes,
        intervalMs: Math.min(delayMs, 100),
        behavior,
      };
      const whole = await this.#read(client.serverStream(request, options), (answer, index) => {
        this.#expect("index", answer.index, index);
        this.#expect("bytes", answer.payload.length, responseBytes);
      });
      if (!this.left) this.#expect("messages", whole, messages);
    } else {
      const whole = await this.#read(client.bidi(this.#requests(payload), options), (answer, index) =>
        this.#expect("text", answer.text, `${text}, ${index}`),
      );
      if (!this.left) this.#expect("messages", whole, messages);
    }
  }

  #options(): CallOptions {
    const { id, timeoutMs, own } = this.planned;
    const onAttempt = (report: AttemptReport) => this.attempts.push(report);
    return {
      signal: this.#abort.signal,
      headers: { "x-echo-id": `${id % 7}` },
      contextValues: createContextValues().set(glinkCall, { ...(own as GlinkCallOptions), onAttempt }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
  }

  #behavior() {
    const { id, kind, delayMs, failCode = 0, failAttempts = 0 } = this.planned;
    return {
      requestId: requestIdOf(id),
      delayMs: kind === "serverStream" ? 0 : delayMs,
      failCode,
      failAttempts,
      failMessage: failCode === 0 ? "" : "as planned",
    };
  }

  async *#requests(payload: Uint8Array) {
    const { planned } = this;
    for (let index = 0; index < planned.messages; index++) {
      if (planned.writePauseMs > 0) await sleep(planned.writePauseMs);
      if (index === planned.throwAfter) {
        this.threw = true;
        throw ownError;
      }
      const text = planned.kind === "bidi" ? `${callText(planned)}, ${index}` : callText(planned);
      yield { text, payload, ...(index === 0 ? { behavior: this.#behavior() } : {}) };
    }
  }

  /** Reads as fast as the plan says, and resolves with the number of messages. */
  async #read<T>(responses: AsyncIterable<T>, check: (answer: T, index: number) => void): Promise<number> {
    const { readPauseMs, leaveAfter } = this.planned;
    let count = 0;
    for await (const answer of responses) {
      check(answer, count++);
      if (count === leaveAfter) {
        this.left = true;
        break;
      }
      if (readPauseMs > 0) await sleep(readPauseMs);
      this.waitingSinceMs = performance.now();
    }
    return count;
  }

  #expect(what: string, got: unknown, expected: unknown): void {
    if (got !== expected) this.wrong.push(`${what}: ${String(got)} and not ${String(expected)}`);
  }
}
