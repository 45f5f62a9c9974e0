import { Code } from "@connectrpc/connect";
import { canceledFailure, type Failure } from "../base/errors.ts";
import { userAgent } from "../base/version.ts";
import { CallCounters } from "../observe/counters.ts";
import type { Events } from "../observe/events.ts";
import { PinnedSource } from "../pool/pinned-source.ts";
import { MessageMemory } from "../protocol/message-memory.ts";
import { noFields } from "../protocol/metadata.ts";
import type { Protocol } from "../protocol/protocol.ts";
import { inBackground } from "../runtime/background.ts";
import type { Clock } from "../runtime/clock.ts";
import type {
  PinnedBackend,
  PinnedCall,
  PinnedCallListener,
  PinnedCalls,
  PinnedRequest,
} from "../subchannel/pinned-calls.ts";
import { Attempt } from "./attempt.ts";
import { noneTried } from "./attempt-history.ts";
import type { CallRequest } from "./call.ts";
import { ResponseGate } from "./response-gate.ts";

/** What pinned calls are made with. */
export interface PinnedCallsContext {
  readonly protocol: Protocol;
  /** Before each method's path. */
  readonly pathPrefix: string;
  readonly clock: Clock;
  readonly events: Events;
}

/** What the channel asks for itself is small: a longer answer is none. */
const readMaxBytes = 65_536;

/** Makes pinned calls of single attempts, which count apart from the user's. */
export class AttemptedPinnedCalls implements PinnedCalls {
  readonly #context: PinnedCallsContext;
  readonly #limits = { readMaxBytes, messageMemory: new MessageMemory() };
  /** Nobody reads them. */
  readonly #counters = new CallCounters();

  constructor(context: PinnedCallsContext) {
    this.#context = context;
  }

  make(to: PinnedBackend, request: PinnedRequest, listener: PinnedCallListener): PinnedCall {
    const { protocol, clock, events } = this.#context;
    const limits = this.#limits;
    const counters = this.#counters;
    const context = { source: new PinnedSource(to), protocol, limits, clock, events, counters };
    const shown = {
      onHeaders: () => undefined,
      onMessage: (flag: number, payload: Uint8Array) => {
        if (flag === 0) return listener.onMessage(payload);
        attempt.abandon(canceledFailure(undefined));
        listener.onEnded(badFlag(flag));
      },
      onWritable: () => undefined,
      // A gate shows the response, and not its end.
      onEnd: () => undefined,
    };
    const { method } = request;
    const gate = new ResponseGate(false, shown, { onCommitted: () => undefined });
    const pickInfo = { method, metadata: noFields, contextValues: undefined, attempt: 1, tried: noneTried };
    const call = {
      pickInfo,
      waitForReady: false,
      gate,
      onAttemptStarted: () => undefined,
      onAttemptWritable: () => undefined,
      onAttemptEnded: (_: Attempt, failure: Failure | undefined) => listener.onEnded(failure),
    };
    const attempt = new Attempt(context, this.#callRequest(request), call, undefined);
    return {
      start: () => inBackground(() => attempt.start()),
      cancel: () => attempt.abandon(canceledFailure(undefined)),
    };
  }

  #callRequest({ method, message }: PinnedRequest): CallRequest {
    const { protocol, pathPrefix } = this.#context;
    const path = `${pathPrefix}/${method.service}/${method.name}`;
    const compression = { sendEncoding: undefined, acceptEncodings: [] };
    return {
      method,
      head: protocol.head({ method, path, userAgent, messageFormat: "proto", ...compression }),
      metadata: noFields,
      contextValues: undefined,
      options: {},
      deadlineMs: Number.POSITIVE_INFINITY,
      trace: undefined,
      body: protocol.frame(method, message, 0, this.#limits.messageMemory),
    };
  }
}

function badFlag(flag: number): Failure {
  const message = `the server sent a message with the flag ${flag}, where no compression was agreed on`;
  return { kind: "protocol", code: Code.Internal, progress: "unknown", message };
}
