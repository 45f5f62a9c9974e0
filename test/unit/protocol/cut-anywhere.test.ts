import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ProtocolName } from "../../../src/base/protocol-name.ts";
import { MessageMemory } from "../../../src/protocol/message-memory.ts";
import { protocolOf } from "../../../src/protocol/protocols.ts";
import { pickInfo } from "../../support/fake-pool.ts";
import { framed } from "../../support/framed.ts";

const readMaxBytes = 200;
const types: Record<ProtocolName, (isUnary: boolean) => string> = {
  grpc: () => "application/grpc+proto",
  "grpc-web": () => "application/grpc-web+proto",
  connect: (isUnary) => (isUnary ? "application/proto" : "application/connect+proto"),
};

/** All that a reader tells of a response whose body comes in these pieces, in memory that is used again. */
async function readIn(protocol: ProtocolName, isUnary: boolean, status: number, pieces: readonly Uint8Array[]) {
  const settings = {
    messageFormat: "proto",
    useHttpGet: false,
    inflateEnd: async (_: string | undefined, bytes: Uint8Array) => bytes.map((byte) => byte ^ 1),
  } as const;
  const limits = { readMaxBytes, messageMemory: new MessageMemory() };
  const method = { ...pickInfo.method, singleRequest: true, singleResponse: isUnary };
  const reader = protocolOf(protocol, settings).reader(method, limits, "10.0.0.1:1");
  const messages: string[] = [];
  const listener = {
    onMessage: (flag: number, payload: Uint8Array) =>
      messages.push(`${flag} ${Buffer.from(payload).toString("hex")}`) > 0,
  };
  const contentType = status === 200 ? types[protocol](isUnary) : "application/json";
  let failure = reader.readHead(status, ["content-type", contentType]);
  const memory = Buffer.alloc(4_096);
  for (const piece of pieces) {
    if (failure !== undefined) break;
    memory.set(piece, 1);
    failure = reader.readBody(memory, 1, 1 + piece.length, listener);
    memory.fill(0xff);
  }
  failure ??= await reader.readEnd(protocol === "grpc" ? ["grpc-status", "0"] : [], listener);
  const { code, kind, wire } = failure ?? {};
  // Without a content-length it is what has come when it is too much.
  const message = failure?.message.replace(/message size \d+/, "message size …");
  return {
    messages,
    code,
    kind,
    message,
    details: wire?.details,
    trailers: reader.trailers,
    started: failure === undefined && reader.messageStarted,
  };
}

const end = fc.oneof(
  fc.constantFrom("{}", '{"error":{"code":"aborted"}}', "grpc-status: 5\r\n", "grpc-status:0", "", "{"),
  fc.json(),
);
const message = fc
  .tuple(
    fc.constantFrom(0, 0, 0, 1, 2, 3, 0x80, 0x81),
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      end.map((text) => Buffer.from(text)),
    ),
  )
  .map(([flag, payload]) => {
    const bytes = framed(payload);
    bytes[0] = flag;
    return bytes;
  });
const body = fc
  .tuple(
    fc.array(
      fc.oneof(
        message,
        fc.uint8Array({ maxLength: 9 }),
        end.map((text) => Buffer.from(text)),
      ),
      { maxLength: 4 },
    ),
    fc.nat(400),
  )
  .map(([parts, length]) => Buffer.concat(parts).subarray(0, length));

for (const protocol of ["grpc", "grpc-web", "connect"] as const) {
  test(`a response of ${protocol} is the same however its body is cut`, async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.constantFrom(200, 200, 503),
        body,
        cuts,
        async (isUnary, status, bytes, lengths) => {
          const pieces: Uint8Array[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const length = lengths[i % lengths.length] as number;
            pieces.push(bytes.subarray(at, at + length));
            at += length;
          }
          const whole = await readIn(protocol, isUnary, status, [bytes]);
          assert.deepEqual(await readIn(protocol, isUnary, status, pieces), whole);
        },
      ),
      { numRuns: 200 },
    );
  });
}
