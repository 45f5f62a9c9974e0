// One call of many is answered with something odd. That is its own fault: it is not repeated, and nobody else pays.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { engineNames } from "../../support/engines.ts";
import { frameType, grpcHeaders, headerBlock, type PeerRequest, startFramePeer } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { transportTo, tryUnary, until } from "./fault-call.ts";

checkForLeaks();

interface OddAnswer {
  readonly what: string;
  readonly answer: (request: PeerRequest) => void;
  readonly code: string;
  readonly message: RegExp;
  /** HTTP/2 leaves no way but to end the connection: its other calls are repeated, once. */
  readonly costsConnection?: true;
  /** node:http2 takes it for something else, or leaves its session half dead. */
  readonly wireOnly?: true;
}

const kilobyte = 1_024;
const bystanders = 60;

/** A header block in HEADERS and as many CONTINUATION frames as it takes. */
function answerInBlock(request: PeerRequest, block: Buffer): void {
  request.headers();
  for (let at = 0; at < block.length; at += 16_384) {
    const isLast = at + 16_384 >= block.length;
    const flags = (isLast ? 0x4 : 0) | (at === 0 ? 0x1 : 0);
    request.connection.frame(at === 0 ? frameType.headers : 0x9, flags, request.id, block.subarray(at, at + 16_384));
  }
}

function withStatus(messageBytes: number): (request: PeerRequest) => void {
  const fields = ["grpc-status", "13", "grpc-message", "m".repeat(messageBytes)];
  return (request) => answerInBlock(request, headerBlock(fields));
}

/** `k` with 4 000 bytes into the table, and then so many references to it. */
function withReferences(count: number): (request: PeerRequest) => void {
  const entry = Buffer.concat([Buffer.from([0x40]), headerBlock(["k", "v".repeat(4_000)]).subarray(1)]);
  return (request) => answerInBlock(request, Buffer.concat([entry, Buffer.alloc(count, 0xbe)]));
}

const oddAnswers: readonly OddAnswer[] = [
  {
    what: "trailers of 120 kB in four fields",
    answer: (request) => {
      const fields = [1, 2, 3, 4].flatMap((i) => [`x-${i}`, "v".repeat(30 * kilobyte)]);
      answerInBlock(request, headerBlock(["grpc-status", "0", ...fields]));
    },
    code: "ResourceExhausted",
    message: /maxHeaderListBytes 65536/,
  },
  {
    what: "a grpc-message of 100 kB",
    answer: withStatus(100 * kilobyte),
    code: "ResourceExhausted",
    message: /maxHeaderListBytes 65536/,
    wireOnly: true,
  },
  {
    what: "a grpc-message of 600 kB",
    answer: withStatus(600 * kilobyte),
    code: "ResourceExhausted",
    message: /headers or trailers are larger than maxHeaderListBytes 65536/,
    wireOnly: true,
  },
  {
    what: "a grpc-message of 10 MB",
    answer: withStatus(10_000 * kilobyte),
    code: "ResourceExhausted",
    message: /headers or trailers are larger than maxHeaderListBytes 65536/,
    wireOnly: true,
  },
  {
    what: "a grpc-message of 20 MB",
    answer: withStatus(20_000 * kilobyte),
    code: "ResourceExhausted",
    message: /headers or trailers are larger than maxHeaderListBytes 65536/,
    costsConnection: true,
    wireOnly: true,
  },
  {
    what: "trailers of 400 MB in 100 kB",
    answer: withReferences(100_000),
    code: "ResourceExhausted",
    message: /headers or trailers are larger than maxHeaderListBytes 65536/,
    wireOnly: true,
  },
  {
    what: "a hundred interim responses",
    answer: (request) => {
      for (let i = 0; i < 100; i++) request.headers([":status", "103"]);
      request.ok();
    },
    code: "ResourceExhausted",
    message: /too many interim responses/,
  },
  {
    what: "trailers that cannot be decoded",
    answer: (request) => answerInBlock(request, Buffer.from([0x80])),
    code: "Internal",
    message: /the server sent headers that cannot be decoded/,
    costsConnection: true,
    wireOnly: true,
  },
  {
    what: "a DATA frame of 100 kB",
    answer: (request) => {
      request.headers();
      request.data(Buffer.alloc(100_000));
    },
    code: "Internal",
    message: /a DATA frame of 100000 bytes, more than the 16384 we allow/,
    costsConnection: true,
    wireOnly: true,
  },
  {
    what: "a PUSH_PROMISE",
    answer: (request) =>
      request.connection.frame(
        0x5,
        0x4,
        request.id,
        Buffer.concat([Buffer.from([0, 0, 0, 2]), headerBlock(grpcHeaders)]),
      ),
    code: "Internal",
    message: /PUSH_PROMISE although push is disabled/,
    costsConnection: true,
    wireOnly: true,
  },
  {
    what: "2 000 empty DATA frames",
    answer: (request) => {
      request.headers();
      for (let i = 0; i < 2_000; i++) request.data(Buffer.alloc(0));
    },
    code: "ResourceExhausted",
    message: /too many empty DATA frames/,
    costsConnection: true,
    wireOnly: true,
  },
];

/** The culprit's request is long, those of the bystanders are short. */
function isLong({ connection, id }: PeerRequest): boolean {
  return connection.received.some(([type, , of, { length }]) => type === frameType.data && of === id && length > 1_000);
}

for (const http2 of engineNames) {
  describe(`one odd answer among 60 calls on three backends, to the ${http2} engine`, () => {
    for (const { what, answer, code, message, costsConnection = false, wireOnly = false } of oddAnswers) {
      if (wireOnly && http2 !== "wire") continue;
      const price = costsConnection ? "and costs one connection" : "and costs no connection";
      it(`fails its own call as ${code}, which ran once, ${price}: ${what}`, async () => {
        const held: PeerRequest[] = [];
        let [isOver, culpritRuns, bystanderRuns] = [false, 0, 0];
        const onRequest = (request: PeerRequest) => {
          if (isLong(request)) {
            culpritRuns++;
            answer(request);
            return;
          }
          bystanderRuns++;
          if (isOver) request.ok();
          else held.push(request);
        };
        const peers = await Promise.all([0, 1, 2].map(() => startFramePeer({ onRequest })));
        const transport = transportTo(
          peers.map(({ address }) => address),
          { http2 },
        );
        try {
          await transport.ready();
          await until(() => transport.snapshot().subchannels.every(({ state }) => state === "ready"), "all are ready");
          const others = Array.from({ length: bystanders }, () => tryUnary(transport, { retry: "default" }));
          await until(() => held.length === bystanders, "all bystanders have come");
          const culprit = await tryUnary(transport, { retry: "default", payloadBytes: 5_000 });
          isOver = true;
          for (const request of held) request.ok();
          const codes = (await Promise.all(others)).map((outcome) => outcome.code);
          assert.deepEqual(new Set(codes), new Set([undefined]));
          assert.equal(culprit.code, code, culprit.message);
          assert.match(culprit.message, message);
          assert.equal(culpritRuns, 1);
          // A third of them is on the connection that ended.
          assert.equal(bystanderRuns, costsConnection ? bystanders + bystanders / 3 : bystanders);
          const lost = peers.flatMap(({ connections }) => connections).length - 3;
          assert.ok(lost <= (costsConnection ? 1 : 0), `${lost} connections were lost`);
        } finally {
          await transport.close({ timeoutMs: 0 });
          await Promise.all(peers.map((peer) => peer.close()));
        }
      });
    }
  });
}
