import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  BidiRequestSchema,
  BidiResponseSchema,
  ClientStreamRequestSchema,
  ClientStreamResponseSchema,
  ServerStreamRequestSchema,
  ServerStreamResponseSchema,
  UnaryIdempotentRequestSchema,
  UnaryIdempotentResponseSchema,
  UnaryRequestSchema,
  UnaryResponseSchema,
} from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { CallKind } from "./plan.ts";

/** What a request to a frame peer is. It knows nothing of paths: the text that comes first in each message says it. */
export interface EchoRequest {
  readonly kind: CallKind;
  readonly id: number;
  /** Messages that an honest server answers with. */
  readonly answers: readonly Uint8Array[];
}

/** Reads the body of a request: undefined where it has no message, or is not of a planned call. */
export function readEchoRequest(body: Buffer): EchoRequest | undefined {
  const messages = unframe(body);
  const [first] = messages;
  if (first === undefined || first[0] !== 0x0a) return undefined;
  const [, kind, id] = /^(\w+) (\d+)/.exec(first.subarray(2, 2 + (first[1] ?? 0)).toString("latin1")) ?? [];
  if (kind === undefined) return undefined;
  return { kind: kind as CallKind, id: Number(id), answers: answersTo(kind as CallKind, messages) };
}

function answersTo(kind: CallKind, messages: readonly Buffer[]): Uint8Array[] {
  const [first] = messages as [Buffer];
  if (kind === "unary") {
    const { text, payload, responseBytes } = fromBinary(UnaryRequestSchema, first);
    const answer = responseBytes > 0 ? new Uint8Array(responseBytes) : payload;
    return [toBinary(UnaryResponseSchema, create(UnaryResponseSchema, { text, payload: answer }))];
  }
  if (kind === "idempotent") {
    const { text } = fromBinary(UnaryIdempotentRequestSchema, first);
    return [toBinary(UnaryIdempotentResponseSchema, create(UnaryIdempotentResponseSchema, { text }))];
  }
  if (kind === "serverStream") {
    const { text, count, messageBytes } = fromBinary(ServerStreamRequestSchema, first);
    const payload = new Uint8Array(messageBytes);
    return Array.from({ length: count }, (_, index) =>
      toBinary(ServerStreamResponseSchema, create(ServerStreamResponseSchema, { text, index, payload })),
    );
  }
  if (kind === "clientStream") {
    const requests = messages.map((message) => fromBinary(ClientStreamRequestSchema, message));
    const payloadBytes = BigInt(requests.reduce((sum, { payload }) => sum + payload.length, 0));
    const answer = { text: requests.at(-1)?.text ?? "", count: requests.length, payloadBytes };
    return [toBinary(ClientStreamResponseSchema, create(ClientStreamResponseSchema, answer))];
  }
  return messages.map((message) => {
    const { text, payload } = fromBinary(BidiRequestSchema, message);
    return toBinary(BidiResponseSchema, create(BidiResponseSchema, { text, payload }));
  });
}

/** The messages of a body, each behind a flag and its length (gRPC's Length-Prefixed-Message). */
function unframe(body: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    if (end > body.length) break;
    messages.push(body.subarray(at + 5, end));
    at = end;
  }
  return messages;
}
