import { create, type DescService, toBinary } from "@bufbuild/protobuf";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { InteropServices } from "../interop/messages.ts";
import type { CallPlan } from "./calls.ts";

/** What is called in a recording: the calls, round by round. */
export interface Scenario {
  readonly about: string;
  readonly rounds: readonly (readonly Request[])[];
  /** The server is asked for a graceful end while the calls of the first round are open. */
  readonly shutDown?: true;
}

type Request = Omit<CallPlan, "round">;

export function plansOf({ rounds }: Scenario): CallPlan[] {
  return rounds.flatMap((requests, round) => requests.map((request) => ({ round, ...request })));
}

/** The same calls, made of one service or another. */
interface Requests {
  readonly unary: Request;
  readonly failing: Request;
  /** 20 messages of 100 bytes. */
  readonly serverStream: Request;
  /** Four messages in turn. */
  readonly bidi: Request;
  /** Takes about a third of a second. */
  readonly slow: Request;
  /** Metadata comes back as header and as trailer. */
  readonly metadata: Request;
}

export function echoRequests(): Requests {
  const behavior = { requestId: "recorded" };
  const unary = requestOf(EchoService, "unary", [{ text: "hello", behavior }]);
  const failCode = 5;
  return {
    unary,
    failing: requestOf(EchoService, "unary", [{ behavior: { failCode, failMessage: "no such thing, 50 % sure ☺" } }]),
    serverStream: requestOf(EchoService, "serverStream", [{ text: "row", count: 20, messageBytes: 100, behavior }]),
    bidi: requestOf(
      EchoService,
      "bidi",
      ["one", "two", "three", "four"].map((text) => ({ text })),
      "in-turn",
    ),
    slow: requestOf(EchoService, "unary", [{ text: "slow", behavior: { delayMs: 300 } }]),
    metadata: { ...unary, fields: ["x-echo-colour", "blue", "x-trailer-size-bin", "q6ur"] },
  };
}

export function interopRequests({ test }: InteropServices): Requests {
  const unary = requestOf(test, "unaryCall", [{ responseSize: 100, payload: { body: new Uint8Array(20) } }]);
  const responseStatus = { code: 5, message: "no such thing, 50 % sure ☺" };
  const responseParameters = Array.from({ length: 20 }, () => ({ size: 100 }));
  return {
    unary,
    failing: requestOf(test, "unaryCall", [{ responseStatus }]),
    serverStream: requestOf(test, "streamingOutputCall", [{ responseParameters }]),
    bidi: requestOf(
      test,
      "fullDuplexCall",
      [1, 20, 300, 4].map((size) => ({ responseParameters: [{ size }] })),
      "in-turn",
    ),
    slow: requestOf(test, "streamingOutputCall", [{ responseParameters: [{ size: 10, intervalUs: 300_000 }] }]),
    metadata: {
      ...unary,
      fields: ["x-grpc-test-echo-initial", "blue", "x-grpc-test-echo-trailing-bin", "q6ur"],
    },
  };
}

/** The calls of every server, by the name of the recording. */
export function commonScenarios(requests: Requests): Record<string, Scenario> {
  const { unary, failing, serverStream, bidi, slow, metadata } = requests;
  return {
    unary: { about: "three unary calls, one after another", rounds: [[unary], [unary], [unary]] },
    "unary-error": {
      about: "a unary call that ends with NOT_FOUND, then one that succeeds",
      rounds: [[failing], [unary]],
    },
    metadata: { about: "a unary call with metadata both ways, twice", rounds: [[metadata], [metadata]] },
    "server-stream": { about: "a stream of 20 messages", rounds: [[serverStream]] },
    bidi: { about: "a bidirectional call, four messages in turn", rounds: [[bidi]] },
    concurrent: {
      about: "a slow call, a stream, a bidirectional and two unary calls at the same time",
      rounds: [[slow, serverStream, bidi, unary, failing]],
    },
    canceled: {
      about: "a bidirectional call that is reset after its first answer, then a unary call",
      rounds: [[{ ...bidi, cancelAfter: 1 }], [unary]],
    },
    unimplemented: {
      about: "a method that the server does not have, then one that it has",
      rounds: [[{ ...unary, path: "/glink.none.v1.NoService/NoMethod" }], [unary]],
    },
    "shut-down": {
      about: "the server is asked to end gracefully while two calls are open",
      rounds: [[slow, slow]],
      shutDown: true,
    },
  };
}

function requestOf(
  service: DescService,
  method: string,
  inits: Record<string, unknown>[],
  sends: Request["sends"] = "whole",
): Request {
  const desc = service.method[method];
  if (desc === undefined) throw new Error(`${service.typeName} has no method ${method}`);
  const messages = inits.map((init) => framed(toBinary(desc.input, create(desc.input, init))));
  return { path: `/${service.typeName}/${desc.name}`, fields: [], messages, sends };
}

/** A gRPC message with its prefix, in hex. */
function framed(message: Uint8Array): string {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]).toString("hex");
}
