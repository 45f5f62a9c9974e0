import assert from "node:assert/strict";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type CallOptions,
  Code,
  ConnectError,
  createClient,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import {
  EchoService,
  type UnaryRequest,
  UnaryRequestSchema,
  type UnaryResponse,
  UnaryResponseSchema,
} from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { callOptionsFrom } from "../../../src/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

const passedOn = { headers: ["x-request-id", "trace-bin", "x-absent"] };

/** What the last server of the chain was told, and how its calls end. */
interface Reached {
  readonly headers: Headers;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
}

type Unary = NonNullable<ServiceImpl<typeof EchoService>["unary"]>;

async function connectServer(unary: Unary) {
  const server = createServer(connectNodeAdapter({ routes: (router) => router.service(EchoService, { unary }) }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise<unknown>((resolve) => server.close(resolve)) };
}

type GrpcHandler = (call: ServerUnaryCall<UnaryRequest, UnaryResponse>, done: sendUnaryData<UnaryResponse>) => void;

async function grpcJsServer(unary: GrpcHandler) {
  const server = new Server();
  const method = {
    path: `/${EchoService.typeName}/Unary`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: UnaryRequest) => Buffer.from(toBinary(UnaryRequestSchema, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(UnaryRequestSchema, bytes),
    responseSerialize: (message: UnaryResponse) => Buffer.from(toBinary(UnaryResponseSchema, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(UnaryResponseSchema, bytes),
  };
  server.addService({ Unary: method }, { Unary: unary });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, close: async () => server.forceShutdown() };
}

/** A client, a Connect server, a grpc-js server, and a Connect server which answers when its signal is aborted. */
async function withThreeHops(
  work: (call: (options: CallOptions) => Promise<unknown>, reached: Reached[]) => Promise<void>,
  answers = false,
): Promise<void> {
  const reached: Reached[] = [];
  const clientOf = (port: number) => {
    const transport = glinkTransport({ baseUrl: `http://127.0.0.1:${port}`, retry: false });
    return { client: createClient(EchoService, transport), close: () => transport.close() };
  };
  const last = await connectServer((_, context: HandlerContext) => {
    reached.push({ headers: context.requestHeader, timeoutMs: context.timeoutMs(), signal: context.signal });
    if (answers) return {};
    return new Promise((_, reject) => {
      context.signal.addEventListener("abort", () => reject(ConnectError.from(context.signal.reason)));
    });
  });
  const toLast = clientOf(last.port);
  const middle = await grpcJsServer((call, done) => {
    toLast.client.unary({}, callOptionsFrom(call, passedOn)).then(
      () => done(null, create(UnaryResponseSchema)),
      (error) => done({ code: error.code, details: error.rawMessage }),
    );
  });
  const toMiddle = clientOf(middle.port);
  const first = await connectServer(async (_, context) => {
    await toMiddle.client.unary({}, callOptionsFrom(context, passedOn));
    return {};
  });
  const toFirst = clientOf(first.port);
  try {
    await work((options) => toFirst.client.unary({}, options), reached);
  } finally {
    for (const { close } of [toFirst, toMiddle, toLast, first, middle, last]) await close();
  }
}

test("a deadline and the headers that are named go through three hops, and others do not", () =>
  withThreeHops(async (call, reached) => {
    const headers = {
      "x-request-id": "r-1",
      "trace-bin": Buffer.from([1, 0, 255]).toString("base64"),
      cookie: "secret",
    };
    await call({ timeoutMs: 30_000, headers });
    const { timeoutMs = 0, headers: received } = reached[0] as Reached;
    assert.ok(timeoutMs > 0 && timeoutMs <= 30_000, `${timeoutMs}`);
    assert.equal(received.get("x-request-id"), "r-1");
    assert.deepEqual(Buffer.from(received.get("trace-bin") ?? "", "base64"), Buffer.from([1, 0, 255]));
    assert.equal(received.get("cookie"), null);
    assert.equal(received.get("x-absent"), null);
  }, true));

test("without a deadline there is none at the end of the chain", () =>
  withThreeHops(async (call, reached) => {
    await call({});
    assert.equal(reached[0]?.timeoutMs, undefined);
  }, true));

test("an abort of the client reaches the last server", () =>
  withThreeHops(async (call, reached) => {
    const abort = new AbortController();
    const failed = call({ signal: abort.signal }).catch((error: ConnectError) => error.code);
    await until("the last server has the call", () => reached.length === 1);
    abort.abort();
    assert.equal(await failed, Code.Canceled);
    await until("the last server's call is aborted", () => reached[0]?.signal.aborted === true);
  }));

test("when the deadline passes, every hop ends, and the client has DeadlineExceeded", () =>
  withThreeHops(async (call, reached) => {
    const failed = await call({ timeoutMs: 300 }).catch((error: ConnectError) => error.code);
    assert.equal(failed, Code.DeadlineExceeded);
    await until("the last server's call is over", () => reached.every(({ signal }) => signal.aborted));
  }));

test("options are kept while time passes: what is left is read as a call begins, and is never none", () => {
  let leftMs = 1_000;
  const context = { signal: new AbortController().signal, requestHeader: new Headers(), timeoutMs: () => leftMs };
  const options = callOptionsFrom(context);
  assert.equal(options.timeoutMs, 1_000);
  leftMs = 400;
  assert.equal(options.timeoutMs, 400);
  leftMs = -5;
  assert.equal(options.timeoutMs, 1);
});

test("a call of grpc-js that was canceled before is aborted at once, and one that is late says so", () => {
  const served = { cancelled: true, metadata: { get: () => [] }, getDeadline: () => 0, on: () => undefined };
  const { signal, timeoutMs } = callOptionsFrom(served);
  assert.equal(signal?.aborted, true);
  assert.equal((signal as AbortSignal).reason.code, Code.DeadlineExceeded);
  assert.equal(timeoutMs, 1);
  const early = callOptionsFrom({ ...served, getDeadline: () => Number.POSITIVE_INFINITY });
  assert.equal((early.signal as AbortSignal).reason.code, Code.Canceled);
  assert.equal("timeoutMs" in early, false);
});

for (const [served, options, text] of [
  [undefined, {}, "must be a handler's context, or a server call of grpc-js, not undefined"],
  [{}, {}, "and this is neither"],
  [{ requestHeader: new Headers() }, { headers: "x" }, 'headers must be an array of header names, not the string "x"'],
  [{ requestHeader: new Headers() }, { headers: [1] }, "an array with something else"],
  [{ requestHeader: new Headers() }, { header: [] }, 'callOptionsFrom has no field "header": it knows headers'],
] as const) {
  test(`callOptionsFrom refuses what it cannot use: ${text}`, () => {
    assert.throws(
      () => callOptionsFrom(served as never, options as never),
      (error: Error) => error instanceof TypeError && error.message.includes(text),
    );
  });
}
