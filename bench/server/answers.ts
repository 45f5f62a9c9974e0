import type { CannedStream } from "./canned-http2.ts";
import { grpcMessage, gzipResponseHead, responseHead } from "./frames.ts";

/** How a listener answers every request. */
export interface Answer {
  /** The encoded response headers. */
  readonly head: Uint8Array;
  /** A piece of the request body. */
  data(stream: CannedStream, payload: Uint8Array): void;
  /** The request is complete: so is the answer, once this has queued it. */
  end(stream: CannedStream): void;
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

/** A name for each listener: what a client wants to hear decides which one it calls. */
export const listenerNames = ["echo", "gzip", "tls", "stream100", "stream10000", "bidi", "collect", "silent"] as const;
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
  silent: { ...repeat(collected, 0), silent: true },
};
