// What reading a stream costs, counted in promises: V8 runs each in a microtask of its own.
import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { test } from "node:test";
import type { Interceptor } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { GlinkTransport } from "../../../src/index.ts";
import { framed } from "../../support/framed.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { startOddPeer, withGlink } from "./calls-harness.ts";

checkForLeaks();

const passThrough: Interceptor = (next) => (request) => next(request);

/** Field 1, a text of one letter. */
const message = Uint8Array.of(0x0a, 1, 0x78);

/** Answers each request with so many messages, all of them in one write. */
function startStreams(count: number) {
  return startOddPeer((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.concat(Array.from({ length: count }, () => framed(message))));
  });
}

/** Promises that are made in this process while all messages are read, one after the other. */
async function promisesOf(messages: AsyncIterable<unknown>, wanted: number): Promise<number> {
  let promises = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === "PROMISE") promises++;
    },
  });
  let count = 0;
  const iterator = messages[Symbol.asyncIterator]();
  hook.enable();
  while ((await iterator.next()).done !== true) count++;
  hook.disable();
  assert.equal(count, wanted);
  return promises;
}

async function promisesOfCall(transport: GlinkTransport, count: number): Promise<number> {
  const method = EchoService.method.serverStream;
  async function* requests() {
    yield { text: "x" };
  }
  const response = await transport.stream(method, undefined, undefined, undefined, requests());
  return promisesOf(response.message, count);
}

/** What an iterator cannot do without: a promise for each message, which is there already. */
function readyMessages(count: number): AsyncIterable<unknown> {
  let left = count;
  const next = () => Promise.resolve({ done: left-- === 0, value: undefined });
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

for (const { name, interceptors, added } of [
  { name: "a message costs no promise but that which its reader asked for", interceptors: [], added: 0 },
  { name: "behind interceptors that pass it on, one more", interceptors: [passThrough], added: 1 },
]) {
  test(`of hundreds that one read brings, ${name}`, async () => {
    const counts: number[] = [];
    for (const messages of [100, 300]) {
      await withGlink(
        () => startStreams(messages),
        { interceptors },
        async (transport) => {
          await promisesOfCall(transport, messages);
          counts.push(
            (await promisesOfCall(transport, messages)) - (await promisesOf(readyMessages(messages), messages)),
          );
        },
      );
    }
    const [few = 0, many = 0] = counts;
    assert.equal((many - few) / 200, added);
  });
}
