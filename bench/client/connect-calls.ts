import { type CallOptions, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import type { InterceptorName, Load } from "../loads.ts";
import { contentBytes, contentOf, deadlineMs, interceptedHeader, metadataOf } from "./messages.ts";
import { check } from "./peer.ts";

const interceptors: Readonly<Record<InterceptorName, Interceptor>> = {
  "passes-on": (next) => (request) => next(request),
  "sets-header": (next) => (request) => {
    request.header.set(interceptedHeader.name, interceptedHeader.value);
    return next(request);
  },
};

/** What a transport is told of the load's interceptor. */
export function interceptorOption({ interceptor }: Load): { readonly interceptors?: Interceptor[] } {
  return interceptor === undefined ? {} : { interceptors: [interceptors[interceptor]] };
}

/** One operation of the load, as a user of Connect writes it. The same for every Connect transport. */
export function connectOperation(transport: Transport, load: Load): () => Promise<void> {
  const client = createClient(EchoService, transport);
  const content = contentOf(load);
  const wanted = contentBytes(load);
  const options: CallOptions = {
    ...(load.metadataPairs > 0 ? { headers: metadataOf(load) } : {}),
    ...(load.deadline ? { timeoutMs: deadlineMs } : {}),
  };
  async function* requests() {
    for (let i = 0; i < load.messages; i++) yield content;
  }
  switch (load.kind) {
    case "unary":
      return async () => {
        const { text, payload } = await client.unary(content, options);
        check(text.length + payload.length, wanted, "bytes of content");
      };
    case "server-stream":
      return async () => {
        let count = 0;
        for await (const _ of client.serverStream({ text: content.text }, options)) count++;
        check(count, load.messages, "messages");
      };
    case "client-stream":
      return async () => {
        const { count } = await client.clientStream(requests(), options);
        check(count, load.messages, "messages");
      };
    case "bidi":
      return async () => {
        let count = 0;
        for await (const _ of client.bidi(requests(), options)) count++;
        check(count, load.messages, "messages");
      };
  }
}
