import type { Code } from "@connectrpc/connect";
import { type FailureFact, type FailureKind, foreignText, type Progress } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type {
  AttemptEnd,
  AttemptHeader,
  AttemptStart,
  AttemptTracer,
  CallEnd,
  CallStart,
  CallTracer,
  Ending,
} from "./instrumentation.ts";
import { OperationChannel, type OperationContext } from "./operation-channel.ts";

/** What the tracing channel `glink:call` publishes of one call. What is known at the end is set before `error` and `asyncStart`. */
export interface CallContext extends OperationContext {
  /** Scheme, host, port and path of `baseUrl`. */
  readonly target: string;
  /** Host of `baseUrl`, without brackets. */
  readonly serverAddress: string;
  /** Port of `baseUrl`, or its scheme's default. */
  readonly serverPort: number;
  /** The full name of the service. */
  readonly service: string;
  /** The method's own name. */
  readonly method: string;
  /** Which of the two sides streams. */
  readonly kind: "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";
  /** The time that the call has; undefined without a deadline. */
  readonly timeoutMs: number | undefined;
  /** Sets request headers of every attempt, `traceparent` say. To be used while `start` is published, and not later. */
  readonly header: Pick<AttemptHeader, "set">;
  /** Undefined: it succeeded, or is not over. */
  code?: Code | undefined;
  /** Attempts made, the first included; 0 when none was. Set at the end. */
  attempts?: number;
  /** The last backend. */
  address?: string | undefined;
  /** From its begin to its end, in whole milliseconds. Set at the end. */
  durationMs?: number;
}

/** What the tracing channel `glink:attempt` publishes of one attempt. */
export interface AttemptContext extends OperationContext {
  /** The call that it is an attempt of: one object for all of them. */
  readonly call: CallContext;
  /** 1 for the first. */
  readonly attempt: number;
  /** It repeats one that did not run. */
  readonly transparent: boolean;
  /** The backend; undefined when none was found. Set at the end, as all that follows. */
  address?: string | undefined;
  /** Undefined: it succeeded, or is not over. */
  code?: Code | undefined;
  /** How it failed. */
  failureKind?: FailureKind | undefined;
  /** How far it got, when it failed. */
  progress?: Progress | undefined;
  /** The wait before the next attempt; undefined: there is none. */
  retryDelayMs?: number | undefined;
  /** Request messages that were handed to the stream. */
  messagesSent?: number;
  /** Their bytes: as compressed, without what frames them. */
  bytesSent?: number;
  /** Response messages that were read. */
  messagesReceived?: number;
  /** Their bytes: as compressed, without what frames them. */
  bytesReceived?: number;
  /** From its begin to its end, in whole milliseconds. */
  durationMs?: number;
}

/** The tracing channels of calls and attempts, as an instrumentation that every channel has. */
export class CallChannels {
  readonly #calls = new OperationChannel<CallContext>("glink:call");
  readonly #attempts = new OperationChannel<AttemptContext>("glink:attempt");
  readonly #checkHeader: (name: string, value: string) => void;

  /** `checkHeader` throws what is wrong with a request header. */
  constructor(checkHeader: (name: string, value: string) => void) {
    this.#checkHeader = checkHeader;
  }

  get isHeard(): boolean {
    return this.#calls.isHeard || this.#attempts.isHeard;
  }

  callStarted(start: CallStart): CallTracer {
    const call = new PublishedCall(start, this.#calls, this.#attempts, this.#checkHeader);
    call.start();
    return call;
  }
}

class PublishedCall implements CallTracer {
  readonly #calls: OperationChannel<CallContext>;
  readonly #attempts: OperationChannel<AttemptContext>;
  readonly #checkHeader: (name: string, value: string) => void;
  readonly #context: CallContext;
  /** Names and values in turn. */
  readonly #header: string[] = [];
  #hasStarted = false;

  constructor(
    { target, serverAddress, serverPort, method, timeoutMs }: CallStart,
    calls: OperationChannel<CallContext>,
    attempts: OperationChannel<AttemptContext>,
    checkHeader: (name: string, value: string) => void,
  ) {
    this.#calls = calls;
    this.#attempts = attempts;
    this.#checkHeader = checkHeader;
    this.#context = {
      target,
      serverAddress,
      serverPort,
      service: method.service,
      method: method.name,
      kind: kindOf(method),
      timeoutMs,
      header: { set: (name, value) => this.#setHeader(name, value) },
    };
  }

  start(): void {
    this.#calls.started(this.#context);
    this.#hasStarted = true;
  }

  attemptStarted({ number, transparent, header }: AttemptStart): AttemptTracer {
    for (let i = 0; i < this.#header.length; i += 2)
      header.set(this.#header[i] as string, this.#header[i + 1] as string);
    const context: AttemptContext = { call: this.#context, attempt: number, transparent };
    this.#attempts.started(context);
    return {
      ended: (end: AttemptEnd) => {
        const { kind, durationMs, message: _, ...facts } = end;
        Object.assign(context, facts, { failureKind: kind, durationMs: Math.round(durationMs) });
        this.#attempts.ended(context, factOfEnding(end));
      },
    };
  }

  ended(end: CallEnd): void {
    const { code, attempts, address, durationMs } = end;
    Object.assign(this.#context, { code, attempts, address, durationMs: Math.round(durationMs) });
    this.#calls.ended(this.#context, factOfEnding(end));
  }

  #setHeader(name: string, value: string): void {
    if (this.#hasStarted) throw new Error(`header ${name} is set too late: only while the call's start is published`);
    this.#checkHeader(name, value);
    this.#header.push(name, value);
  }
}

function kindOf({ singleRequest, singleResponse }: MethodSpec): CallContext["kind"] {
  if (singleRequest) return singleResponse ? "unary" : "server_streaming";
  return singleResponse ? "client_streaming" : "bidi_streaming";
}

function factOfEnding({ code, kind, progress, message = "" }: Ending): FailureFact | undefined {
  if (code === undefined || kind === undefined || progress === undefined) return undefined;
  return { kind, code, progress, message: foreignText(kind, code) ?? message };
}
