import { setTimeout as sleep } from "node:timers/promises";
import {
  ConnectError,
  type ContextValues,
  createClient,
  createContextValues,
  type Transport,
} from "@connectrpc/connect";
import { glinkCall } from "../../../src/index.ts";
import { type CallResult, type CompatRequest, type Header, halfDuplexBidi, type SuiteTypes } from "./messages.ts";

interface CallOptions {
  readonly headers: Headers;
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
  readonly onHeader: (headers: Headers) => void;
  readonly onTrailer: (trailers: Headers) => void;
  readonly contextValues: ContextValues;
}

type Answer = { readonly payload?: unknown };
type UnaryMethod = (message: unknown, options: CallOptions) => Promise<Answer>;
type ServerStreamMethod = (message: unknown, options: CallOptions) => AsyncIterable<Answer>;
type ClientStreamMethod = (messages: AsyncIterable<unknown>, options: CallOptions) => Promise<Answer>;
type BidiMethod = (messages: AsyncIterable<unknown>, options: CallOptions) => AsyncIterable<Answer>;

/** Makes the call that a case of the suite asks for, and writes down what came of it. */
export class ConformanceCall {
  readonly #request: CompatRequest;
  readonly #messages: readonly unknown[];
  readonly #controller = new AbortController();
  readonly #options: CallOptions;
  /** Further attempts that the retry policy made. */
  retries = 0;
  readonly #result: CallResult = { responseHeaders: [], payloads: [], responseTrailers: [], numUnsentRequests: 0 };

  constructor(request: CompatRequest, types: SuiteTypes) {
    this.#request = request;
    this.#messages = request.requestMessages.map((any) => types.unpack(any));
    const headers = new Headers();
    for (const { name, value } of request.requestHeaders) for (const one of value) headers.append(name, one);
    this.#options = {
      headers,
      signal: this.#controller.signal,
      timeoutMs: request.timeoutMs,
      onHeader: (received) => {
        this.#result.responseHeaders = list(received);
      },
      onTrailer: (received) => {
        this.#result.responseTrailers = list(received);
      },
      contextValues: createContextValues().set(glinkCall, {
        onAttempt: ({ retryDelayMs }) => {
          if (retryDelayMs !== undefined) this.retries++;
        },
      }),
    };
  }

  async run(transport: Transport, types: SuiteTypes): Promise<CallResult> {
    const service = types.service(this.#request.service);
    const desc = service.methods.find(({ name }) => name === this.#request.method);
    if (desc === undefined) throw new Error(`the suite has no method ${this.#request.method}`);
    const client = createClient(service, transport) as unknown as Record<string, unknown>;
    const method = client[desc.localName];
    try {
      switch (desc.methodKind) {
        case "unary":
          await this.#unary(method as UnaryMethod);
          break;
        case "server_streaming":
          await this.#serverStream(method as ServerStreamMethod);
          break;
        case "client_streaming":
          await this.#clientStream(method as ClientStreamMethod);
          break;
        case "bidi_streaming":
          await this.#bidi(method as BidiMethod);
          break;
      }
    } catch (error) {
      this.#failed(ConnectError.from(error));
    }
    return this.#result;
  }

  async #unary(method: UnaryMethod): Promise<void> {
    await sleep(this.#request.requestDelayMs);
    const call = method(this.#messages[0], this.#options);
    this.#cancelAfterCloseSend();
    this.#answer(await call);
  }

  async #serverStream(method: ServerStreamMethod): Promise<void> {
    await sleep(this.#request.requestDelayMs);
    const answers = method(this.#messages[0], this.#options);
    this.#cancelAfterCloseSend();
    await this.#readAll(answers);
  }

  async #clientStream(method: ClientStreamMethod): Promise<void> {
    this.#answer(await method(this.#send(), this.#options));
  }

  async #bidi(method: BidiMethod): Promise<void> {
    if (this.#request.streamType === halfDuplexBidi) {
      await this.#readAll(method(this.#send(), this.#options));
      return;
    }
    const turns = new Turnstile();
    for await (const answer of method(this.#send(turns), this.#options)) {
      this.#answer(answer);
      turns.release();
    }
  }

  /** The request messages, each after its delay; cancellation where it belongs to sending. */
  async *#send(turns?: Turnstile): AsyncGenerator<unknown> {
    this.#result.numUnsentRequests = this.#messages.length;
    for (const message of this.#messages) {
      await turns?.pass();
      await sleep(this.#request.requestDelayMs);
      if (this.#controller.signal.aborted) return;
      yield message;
      this.#result.numUnsentRequests--;
    }
    // The last answer is awaited before the request side closes.
    await turns?.pass();
    if (this.#request.cancel?.cancelTiming.case === "beforeCloseSend") {
      this.#controller.abort();
      return;
    }
    this.#cancelAfterCloseSend();
  }

  async #readAll(answers: AsyncIterable<Answer>): Promise<void> {
    for await (const answer of answers) this.#answer(answer);
  }

  #answer({ payload }: Answer): void {
    this.#result.payloads.push(payload);
    const { cancel } = this.#request;
    const { case: timing, value } = cancel?.cancelTiming ?? {};
    if (timing === "afterNumResponses" && this.#result.payloads.length === value) this.#controller.abort();
  }

  #cancelAfterCloseSend(): void {
    const { cancel } = this.#request;
    if (cancel === undefined) return;
    const { case: timing, value } = cancel.cancelTiming;
    if (timing !== undefined && timing !== "afterCloseSendMs") return;
    setTimeout(() => this.#controller.abort(), Number(value ?? 0));
  }

  #failed({ code, rawMessage, details, metadata }: ConnectError): void {
    // Errors carry headers and trailers together.
    if (this.#result.responseHeaders.length === 0) this.#result.responseHeaders = list(metadata);
    this.#result.responseTrailers = list(metadata);
    this.#result.error = {
      code,
      message: rawMessage,
      details: details.flatMap((detail) =>
        "type" in detail ? [{ typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }] : [],
      ),
    };
  }
}

/** Full duplex: each message is sent after the answer to the one before it. */
class Turnstile {
  #passes = 1;
  #waiting: (() => void) | undefined;

  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#turn();
    });
  }

  release(): void {
    this.#passes++;
    this.#turn();
  }

  #turn(): void {
    if (this.#passes === 0 || this.#waiting === undefined) return;
    this.#passes--;
    this.#waiting();
    this.#waiting = undefined;
  }
}

function list(headers: Headers): Header[] {
  return Array.from(headers, ([name, value]) => ({ name, value: value.split(",").map((one) => one.trim()) }));
}
