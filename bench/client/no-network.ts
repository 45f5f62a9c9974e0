import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import type { Load } from "../loads.ts";
import { smallMessage } from "../server/answers.ts";
import { connectOperation } from "./connect-calls.ts";
import type { OpenPeer } from "./peer.ts";

/**
 * Connect's own client over a Transport that has no network: it encodes the requests, decodes the responses, and that is
 * all: what a transport of Connect cannot spare. Its bidi spends a promise for each message that a transport need not.
 */
export const open: OpenPeer = async ({ load }) => ({
  run: connectOperation(noNetwork(load), load),
  close: () => undefined,
});

function noNetwork({ kind, messages }: Load): Transport {
  return {
    async unary(method, _signal, _timeoutMs, _header, message) {
      const response = echo(method.input, method.output, message);
      return { ...responseOf(method), stream: false, message: response } as never;
    },
    async stream(method, _signal, _timeoutMs, _header, requests) {
      if (kind === "bidi") return streamOf(method, echoed(method.input, method.output, requests));
      for await (const request of requests) toBinary(method.input, create(method.input, request));
      const payload = kind === "client-stream" ? Uint8Array.of(0x10, messages) : smallMessage;
      const count = kind === "client-stream" ? 1 : messages;
      return streamOf(method, repeated(method.output, payload, count));
    },
  };
}

/** The request's bytes as a response: the fields of both are the same. */
function echo(input: DescMessage, output: DescMessage, message: Record<string, unknown>): Message {
  return fromBinary(output, toBinary(input, create(input, message)));
}

function echoed(
  input: DescMessage,
  output: DescMessage,
  requests: AsyncIterable<Record<string, unknown>>,
): AsyncIterator<Message> {
  const iterator = requests[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await iterator.next();
      return done === true ? { done, value: undefined } : { done: false, value: echo(input, output, value) };
    },
  };
}

function repeated(output: DescMessage, payload: Uint8Array, count: number): AsyncIterator<Message> {
  let left = count;
  return {
    next: () => {
      const done = left-- === 0;
      return Promise.resolve(
        done ? { done: true, value: undefined } : { done: false, value: fromBinary(output, payload) },
      );
    },
  };
}

function responseOf(method: { readonly parent: unknown }): object {
  return { service: method.parent, method, header: new Headers(), trailer: new Headers() };
}

function streamOf(method: { readonly parent: unknown }, iterator: AsyncIterator<Message>): never {
  return { ...responseOf(method), stream: true, message: { [Symbol.asyncIterator]: () => iterator } } as never;
}
