// A channel on the level of bytes: no message type of Connect's or protobuf's, as a face for other clients would use it.
// The server is grpc-js', whose handlers get and give bytes here.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { toConnectError } from "../../../src/base/connect-error.ts";
import type { Failure } from "../../../src/base/errors.ts";
import type { MethodSpec } from "../../../src/base/method-spec.ts";
import type { CallEnd, CallListener, CallRequest } from "../../../src/calls/call.ts";
import type { CallInit, Channel, ChannelCall } from "../../../src/channel/channel.ts";
import { createChannel } from "../../../src/channel/create-channel.ts";
import type { HeaderFields } from "../../../src/http2/connection.ts";
import { grpc } from "../../../src/protocol/grpc/grpc.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { systemHold } from "../../../src/runtime/process-hold.ts";
import { systemRandom } from "../../../src/runtime/random.ts";
import { checkForLeaks } from "../../support/leaks.ts";

// Before the check, which runs after it.
after(() => server.forceShutdown());

checkForLeaks();

const asItIs = (bytes: Buffer): Buffer => bytes;

function definition(name: string, streams: boolean): ServiceDefinition[string] {
  return {
    path: `/bytes.Service/${name}`,
    requestStream: streams,
    responseStream: streams,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  };
}

const upperCase: handleUnaryCall<Buffer, Buffer> = ({ metadata, request }, callback) => {
  const text = request.toString();
  if (text === "wait") return;
  const trailers = new Metadata();
  trailers.set("x-seen", String(metadata.get("x-request")[0]));
  if (text === "fail") callback({ code: 9, details: "not in this state", metadata: trailers });
  else callback(null, Buffer.from(text.toUpperCase()), trailers);
};

const echo: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on("data", (bytes: Buffer) => call.write(bytes));
  call.on("end", () => call.end());
};

const server = new Server();
let address = "";

before(async () => {
  server.addService(
    { Upper: definition("Upper", false), Echo: definition("Echo", true) },
    { Upper: upperCase, Echo: echo },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  address = `127.0.0.1:${port}`;
});

const upper: MethodSpec = {
  service: "bytes.Service",
  name: "Upper",
  singleRequest: true,
  singleResponse: true,
  idempotency: "unknown",
};
const echoes: MethodSpec = { ...upper, name: "Echo", singleRequest: false, singleResponse: false };

function requestOf(
  { service, name, ...rest }: MethodSpec,
  call: ChannelCall,
  metadata: HeaderFields = [],
): CallRequest {
  return {
    method: { service, name, ...rest },
    head: { path: `/${service}/${name}`, fields: ["content-type", "application/grpc", "te", "trailers"] },
    metadata,
    contextValues: undefined,
    options: {},
    deadlineMs: call.deadlineMs,
    trace: undefined,
    body: undefined,
  };
}

/** What a call came to. */
class Recorder implements CallListener {
  readonly messages: string[] = [];
  headers: HeaderFields | undefined;
  readonly ended: Promise<CallEnd>;
  onText: (text: string) => void = () => undefined;
  #end!: (end: CallEnd) => void;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  onHeaders(fields: HeaderFields): void {
    this.headers = fields;
  }

  onMessage(flag: number, payload: Uint8Array): void {
    assert.equal(flag, 0);
    const text = Buffer.from(payload).toString();
    this.messages.push(text);
    this.onText(text);
  }

  onWritable(): void {}

  onEnd(end: CallEnd): void {
    this.#end(end);
  }
}

const noLimits: CallInit = { signal: undefined, timeoutMs: undefined, group: undefined, contextValues: undefined };

async function withChannel(use: (channel: Channel) => Promise<void>): Promise<void> {
  const runtime = { clock: systemClock(), random: systemRandom(), hold: systemHold() };
  const channel = createChannel({ baseUrl: `http://${address}` }, runtime, grpc);
  try {
    await use(channel);
  } finally {
    await channel.close();
  }
}

/** A unary call of the text; what it came to. */
async function callUpper(channel: Channel, text: string, limits: CallInit = noLimits) {
  const recorder = new Recorder();
  const call = channel.call(upper, recorder, limits);
  call.start(requestOf(upper, call, ["x-request", "7"]), Buffer.from(text));
  const end = await recorder.ended;
  return { recorder, call, end };
}

function fieldOf(fields: HeaderFields, name: string): string | undefined {
  return fields[fields.indexOf(name) + 1];
}

function kindOf({ failure }: CallEnd): Failure["kind"] | undefined {
  return failure?.kind;
}

test("a unary call of bytes is answered with bytes, headers and trailers", () =>
  withChannel(async (channel) => {
    const { recorder, call, end } = await callUpper(channel, "hello");
    assert.deepEqual(recorder.messages, ["HELLO"]);
    assert.equal(kindOf(end), undefined);
    assert.equal(fieldOf(recorder.headers ?? [], "content-type"), "application/grpc+proto");
    assert.equal(fieldOf(end.trailers, "x-seen"), "7");
    assert.equal(end.attempts, 1);
    assert.equal(call.isOpen, false);
    assert.equal(channel.snapshot().callsStarted, 1);
    assert.equal(channel.snapshot().openCalls, 0);
  }));

test("a stream of bytes goes both ways, one message after the other", () =>
  withChannel(async (channel) => {
    const recorder = new Recorder();
    const call = channel.call(echoes, recorder, noLimits);
    const texts = ["one", "two", ""];
    const sendNext = () => {
      const text = texts.shift();
      if (text === undefined) call.halfClose();
      else call.send(Buffer.from(text));
    };
    recorder.onText = sendNext;
    call.start(requestOf(echoes, call));
    sendNext();
    assert.equal(kindOf(await recorder.ended), undefined);
    assert.deepEqual(recorder.messages, ["one", "two", ""]);
  }));

test("a server's status is a failure with its code, its text and its metadata", () =>
  withChannel(async (channel) => {
    const { recorder, end } = await callUpper(channel, "fail");
    assert.deepEqual(recorder.messages, []);
    assert.deepEqual([kindOf(end), end.failure?.code], ["status", 9]);
    assert.equal(fieldOf(end.failure?.wire?.metadata ?? [], "x-seen"), "7");
    const error = toConnectError(end.failure as Failure, end);
    assert.equal(error.rawMessage, "not in this state");
  }));

test("a deadline ends the call", () =>
  withChannel(async (channel) => {
    const { end, call } = await callUpper(channel, "wait", { ...noLimits, timeoutMs: 50 });
    assert.equal(kindOf(end), "deadline");
    assert.notEqual(call.deadlineMs, Number.POSITIVE_INFINITY);
  }));

test("an abort ends the call, one before its start too", () =>
  withChannel(async (channel) => {
    const controller = new AbortController();
    const { signal } = controller;
    const open = callUpper(channel, "wait", { ...noLimits, signal });
    controller.abort();
    assert.equal(kindOf((await open).end), "canceled");
    const { end, recorder } = await callUpper(channel, "hello", { ...noLimits, signal });
    assert.equal(kindOf(end), "canceled");
    assert.deepEqual([end.attempts, recorder.messages], [0, []]);
  }));

test("close waits for open calls up to its timeout, cuts them, and refuses new ones", () =>
  withChannel(async (channel) => {
    const open = callUpper(channel, "wait");
    await channel.ready();
    await channel.close({ timeoutMs: 20 });
    assert.equal(kindOf((await open).end), "closed");
    assert.equal(kindOf((await callUpper(channel, "hello")).end), "closed");
    assert.equal(channel.refusal(undefined, undefined)?.code, 9);
    assert.equal(channel.snapshot().state, "shutdown");
  }));

test("a call whose listener keeps it open after its end is cut by its deadline, and close waits for it", () =>
  withChannel(async (channel) => {
    const ends: CallEnd[] = [];
    let answered = () => {};
    const whenAnswered = new Promise<void>((resolve) => {
      answered = resolve;
    });
    const listener: CallListener = {
      onHeaders: () => undefined,
      onMessage: () => undefined,
      onWritable: () => undefined,
      onEnd: (end) => {
        ends.push(end);
        if (ends.length === 1) call.keepOpen();
        answered();
      },
    };
    const call = channel.call(upper, listener, noLimits);
    call.start(requestOf(upper, call), Buffer.from("hello"));
    await whenAnswered;
    assert.deepEqual([call.isOpen, channel.snapshot().openCalls], [true, 1]);
    await channel.close({ timeoutMs: 20 });
    assert.deepEqual(ends.map(kindOf), [undefined, "closed"]);
    assert.equal(call.isOpen, false);
  }));

test("a call that was left ends as canceled, and says that nobody waits for it", () =>
  withChannel(async (channel) => {
    const recorder = new Recorder();
    const call = channel.call(echoes, recorder, noLimits);
    call.start(requestOf(echoes, call));
    call.abandoned();
    assert.equal(kindOf(await recorder.ended), "canceled");
    assert.equal(call.isLeft, true);
    // What is sent after the end goes nowhere.
    assert.equal(call.send(Buffer.from("late")), true);
    call.halfClose();
  }));
