import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { type AttemptReport, type GlinkTransport, glinkCall } from "../../src/index.ts";
import type { BackendProcess } from "./processes.ts";

/** A unary call that ended. */
export interface CallResult {
  readonly requestId: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly attempts: readonly AttemptReport[];
  /** Who answered; undefined when it failed. */
  readonly backend: string | undefined;
  readonly error: ConnectError | undefined;
}

/** A machine too slow for the load gets less of it, instead of ever more open calls. */
const maxOpenCalls = 50;

/** Steady unary calls, started by the clock and not by each other's end. */
export class Load {
  /** Every call that has ended. */
  readonly results: CallResult[] = [];
  readonly #transport: GlinkTransport;
  readonly #timeoutMs: number | undefined;
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  /** Each call takes `delayMs` on the server. Starts at once. */
  constructor(transport: GlinkTransport, options: { callsPerSecond: number; delayMs?: number; timeoutMs?: number }) {
    this.#transport = transport;
    this.#timeoutMs = options.timeoutMs;
    const startedMs = performance.now();
    let started = 0;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startedMs) * options.callsPerSecond) / 1_000;
      for (; started < due; started++) if (this.#open.size < maxOpenCalls) this.#call(options.delayMs ?? 0);
    }, 5);
  }

  get failures(): { readonly code: Code; readonly message: string }[] {
    return this.results.flatMap(({ error }) => (error === undefined ? [] : [error]));
  }

  /** How many calls that started after `sinceMs` (by `performance.now()`) each backend answered. */
  answersSince(sinceMs: number): Map<string, number> {
    const answers = new Map<string, number>();
    for (const { startedMs, backend } of this.results) {
      if (startedMs >= sinceMs && backend !== undefined) answers.set(backend, (answers.get(backend) ?? 0) + 1);
    }
    return answers;
  }

  /** Starts no more calls. */
  cancel(): void {
    clearInterval(this.#timer);
  }

  /** Starts no more calls, and waits for the open ones. */
  async stop(): Promise<void> {
    this.cancel();
    await Promise.all(this.#open);
  }

  #call(delayMs: number): void {
    const call = this.#measure(delayMs).finally(() => this.#open.delete(call));
    this.#open.add(call);
  }

  async #measure(delayMs: number): Promise<void> {
    const startedMs = performance.now();
    const requestId = crypto.randomUUID();
    const attempts: AttemptReport[] = [];
    const contextValues = createContextValues().set(glinkCall, { onAttempt: (report) => attempts.push(report) });
    const options = { contextValues, ...(this.#timeoutMs === undefined ? {} : { timeoutMs: this.#timeoutMs }) };
    let backend: string | undefined;
    let error: ConnectError | undefined;
    try {
      const request = { behavior: { delayMs, requestId } };
      backend = (await createClient(EchoService, this.#transport).unary(request, options)).served?.backend;
    } catch (reason) {
      error = ConnectError.from(reason);
    }
    this.results.push({ requestId, startedMs, endedMs: performance.now(), attempts, backend, error });
  }
}

/**
 * Asserts that no backend ran the handler of a call more often than attempts of that call were sent to it. Calls of other loads
 * may run once.
 */
export async function assertExecutionsPermitted(
  backends: readonly BackendProcess[],
  loads: readonly Load[],
): Promise<void> {
  const attemptsOf = new Map(loads.flatMap(({ results }) => results.map((one) => [one.requestId, one.attempts])));
  for (const backend of backends) {
    const { executions, repeated } = await backend.counters();
    assert.ok(executions > 0);
    for (const [requestId, times] of Object.entries(repeated)) {
      const permitted = attemptsOf.get(requestId)?.filter(({ address }) => address === backend.address).length ?? 1;
      assert.ok(times <= permitted, `a call ran ${times} times at ${backend.address}, which got ${permitted} attempts`);
    }
  }
}

/** Waits until `condition` holds; after 20 s an error says what was awaited, and what `state` tells. */
export async function until(what: string, condition: () => boolean, state = (): unknown => ""): Promise<void> {
  const giveUpMs = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > giveUpMs) throw new Error(`waited 20 s in vain until ${what} ${JSON.stringify(state())}`);
    await sleep(20);
  }
}
