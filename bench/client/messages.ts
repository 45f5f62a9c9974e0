import { create } from "@bufbuild/protobuf";
import {
  BidiRequestSchema,
  ClientStreamRequestSchema,
  EchoService,
  ServerStreamRequestSchema,
  UnaryRequestSchema,
} from "../../proto/gen/glink/demo/v1/echo_pb.js";
import type { Load } from "../loads.ts";

/** The method of each kind of load. */
export const methods = {
  unary: EchoService.method.unary,
  "server-stream": EchoService.method.serverStream,
  "client-stream": EchoService.method.clientStream,
  bidi: EchoService.method.bidi,
};

/** Tag and length of a field of up to 127 bytes. */
const shortFieldBytes = 2;

/** The content of a request of `messageBytes` in all: text while it is small, a payload that compresses well else. */
export function contentOf(load: Load): { text: string; payload: Uint8Array } {
  const { messageBytes } = load;
  if (messageBytes <= 127) return { text: "x".repeat(messageBytes - shortFieldBytes), payload: new Uint8Array(0) };
  const payload = new Uint8Array(messageBytes - 1 - varintBytes(messageBytes));
  for (let i = 0; i < payload.length; i++) payload[i] = i & 0x0f;
  return { text: "", payload };
}

function varintBytes(value: number): number {
  return Math.ceil((32 - Math.clz32(value)) / 7);
}

/** The one request that is sent again and again. */
export function requestOf(load: Load) {
  const content = contentOf(load);
  switch (load.kind) {
    case "unary":
      return create(UnaryRequestSchema, content);
    case "server-stream":
      return create(ServerStreamRequestSchema, { text: content.text });
    case "client-stream":
      return create(ClientStreamRequestSchema, content);
    case "bidi":
      return create(BidiRequestSchema, content);
  }
}

/** Bytes of content that every response carries. */
export function contentBytes(load: Load): number {
  const { text, payload } = contentOf(load);
  return text.length + payload.length;
}

/** Metadata as a caller writes it. */
export function metadataOf(load: Load): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (let i = 0; i < load.metadataPairs; i++) pairs[`x-bench-key-${i}`] = `value number ${i} of some length`;
  return pairs;
}

/** What an interceptor sets that sets a header. */
export const interceptedHeader = { name: "x-bench-intercepted", value: "yes" } as const;

/** Long enough never to pass. */
export const deadlineMs = 10_000;
