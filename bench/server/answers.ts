import type { CannedStream } from "./canned-http2.ts";
import {
  connectEnd,
  connectStreamHead,
  connectUnaryHead,
  grpcMessage,
  gzipResponseHead,
  responseHead,
  webEnd,
  webResponseHead,
} from "./frames.ts";

/** How a listener answers every request. */
export interface Answer {
  /** The encoded response headers. */
  readonly head: Uint8Array;
  /** A piece of the request body. */
  data(stream: CannedStream, payload: Uint8Array): void;
  /** The request is complete: so is the answer, once this has queued it. */
  end(stream: CannedStream): void;
  /** The body says how the call ended: no trailers follow it. */
  readonly withoutTrailers?: true;
  /** Never answers: for deadlines and aborts. */
  readonly silent?: true;
}

/** The request's bytes, at its end. Request and response of Unary have the same fields. */
function echo(head: Uint8Array): Answer {
  return {
    head,
    data: (stream, payload) => stream.received.push(payload),
    end: (stream) => {
      stream.queue = stream.received;
    },
  };
}

/** The request's bytes, as they come. */
const echoAtOnce: Answer = {
  head: responseHead,
  data: (stream, payload) => {
    if (stream.next === stream.queue.length) {
      stream.queue = [payload];
      stream.next = 0;
    } else {
      stream.queue = [...stream.queue.slice(stream.next), payload];
      stream.next = 0;
    }
  },
  end: () => undefined,
};

/** The same small message so many times, each in a frame of its own, as gRPC servers send them. */
function repeat(message: Uint8Array, count: number): Answer {
  const messages = new Array<Uint8Array>(count).fill(grpcMessage(message));
  return {
    head: responseHead,
    data: () => undefined,
    end: (stream) => {
      stream.queue = messages;
    },
  };
}

/** An answer of a protocol whose body ends with `end`. */
function endingWith(end: Uint8Array | undefined, head: Uint8Array, answer: Answer): Answer {
  return {
    ...answer,
    head,
    withoutTrailers: true,
    end: (stream) => {
      answer.end(stream);
      if (end !== undefined) stream.queue = [...stream.queue, end];
    },
  };
}

/** A name for each listener: what a client wants to hear decides which one it calls. */
export const listenerNames = [
  ...(["echo", "gzip", "tls", "stream100", "stream10000", "bidi", "collect", "silent"] as const),
  ...(["webEcho", "webStream100", "connectEcho", "connectStream100"] as const),
] as const;
export type ListenerName = (typeof listenerNames)[number];

/** 32 bytes as a field 1 string of 30: every response of the echo service has its text there. */
export const smallMessage = Buffer.concat([Buffer.from([0x0a, 30]), Buffer.alloc(30, "x")]);

/** A ClientStreamResponse with count (field 2) 100. */
const collected = Buffer.from([0x10, 100]);

export const answers: Record<ListenerName, Answer> = {
  echo: echo(responseHead),
  gzip: echo(gzipResponseHead),
  tls: echo(responseHead),
  stream100: repeat(smallMessage, 100),
  stream10000: repeat(smallMessage, 10_000),
  bidi: echoAtOnce,
  collect: repeat(collected, 1),
  webEcho: endingWith(webEnd, webResponseHead, echo(webResponseHead)),
  webStream100: endingWith(webEnd, webResponseHead, repeat(smallMessage, 100)),
  connectEcho: endingWith(undefined, connectUnaryHead, echo(connectUnaryHead)),
  connectStream100: endingWith(connectEnd, connectStreamHead, repeat(smallMessage, 100)),
  silent: { ...repeat(collected, 0), silent: true },
};
