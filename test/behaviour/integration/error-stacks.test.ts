import assert from "node:assert/strict";
import { test } from "node:test";
import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { freePort } from "../../support/programs.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, yielding } from "./calls-harness.ts";

/*
 * A stack that ends in the transport says where an error was made, and nobody looks for it there.
 */

checkForLeaks();

const thisFile = import.meta.filename;

/** The functions of this file in the stack of what `call` rejects with, innermost first, up to {@link awaitingCaller}. */
async function functionsInStack(call: () => Promise<unknown>): Promise<string[]> {
  const error = await awaitingCaller(call).then(
    () => assert.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError, `${error}`);
  const lines = (error.stack ?? "").split("\n").filter((line) => line.includes(thisFile));
  const names = lines.map((line) => /at (?:async )?(\S+) \(/.exec(line)?.[1] ?? "");
  return names.slice(0, names.indexOf(awaitingCaller.name) + 1);
}

async function awaitingCaller(call: () => Promise<unknown>): Promise<void> {
  await call();
}

const asyncInterceptor: Interceptor = (next) =>
  async function passOn(request) {
    return await next(request);
  };

const failing = { behavior: { failCode: Code.NotFound } };

/** What fails, and how. Each awaits the client's promise itself. */
const calls = {
  async statusOfServer(client: Client<typeof EchoService>) {
    await client.unary(failing);
  },
  async abortedBefore(client: Client<typeof EchoService>) {
    await client.unary({}, { signal: AbortSignal.abort() });
  },
  async abortedMeanwhile(client: Client<typeof EchoService>) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    await client.unary({ behavior: { delayMs: 60_000 } }, { signal: controller.signal });
  },
  async deadline(client: Client<typeof EchoService>) {
    await client.unary({ behavior: { delayMs: 60_000 } }, { timeoutMs: 20 });
  },
  async clientStream(client: Client<typeof EchoService>) {
    await client.clientStream(yielding(failing));
  },
};

async function withEcho(work: (backend: ConnectEchoBackend) => Promise<void>): Promise<void> {
  const backend = await startConnectEcho();
  try {
    await work(backend);
  } finally {
    await backend.close();
  }
}

for (const [interceptors, name] of [
  [[], "without interceptors"],
  [[asyncInterceptor], "through an interceptor"],
] as const) {
  test(`an error's stack goes on to the caller, as with createGrpcTransport: ${name}`, () =>
    withEcho(async ({ address }) => {
      const baseUrl = `http://${address}`;
      const sessionManager = new Http2SessionManager(baseUrl);
      const transport = glinkTransport({ baseUrl, interceptors: [...interceptors] });
      const connect = createGrpcTransport({ baseUrl, sessionManager, interceptors: [...interceptors] });
      const stacksOf = async (transport: Transport) => {
        const client = createClient(EchoService, transport);
        const stacks: Record<string, string[]> = {};
        for (const [kind, call] of Object.entries(calls)) stacks[kind] = await functionsInStack(() => call(client));
        return stacks;
      };
      try {
        const theirs = await stacksOf(connect);
        const ours = await stacksOf(transport);
        assert.deepEqual(theirs.statusOfServer?.slice(-2), ["statusOfServer", awaitingCaller.name]);
        // createGrpcTransport loses the caller of a client stream, and the interceptor of what was aborted before.
        for (const kind of Object.keys(calls)) {
          // The client stream fails at its response message, which is read after the interceptor has returned.
          const passed = interceptors.length > 0 && kind !== "clientStream" ? ["passOn"] : [];
          assert.deepEqual(ours[kind], [...passed, kind, awaitingCaller.name], kind);
          const missing = theirs[kind]?.filter((name) => !ours[kind]?.includes(name));
          assert.deepEqual(missing, [], kind);
        }
      } finally {
        sessionManager.abort();
        await transport.close();
      }
    }));
}

test("the stack of a call that reaches no backend goes on to the caller", async () => {
  const transport = glinkTransport({ baseUrl: `http://127.0.0.1:${await freePort()}`, retry: false });
  const client = createClient(EchoService, transport);
  try {
    const unary = async () => void (await client.unary({}));
    assert.deepEqual(await functionsInStack(unary), ["unary", awaitingCaller.name]);
    const untilReady = async () => void (await transport.ready({ timeoutMs: 20 }));
    assert.deepEqual(await functionsInStack(untilReady), ["untilReady", awaitingCaller.name]);
  } finally {
    await transport.close();
  }
});

for (const [interceptors, name] of [
  [[], "without interceptors"],
  [[asyncInterceptor], "through an interceptor"],
] as const) {
  test(`the stack of a stream that fails between its messages goes on to whoever reads it: ${name}`, () =>
    withEcho(async ({ address }) => {
      const transport = glinkTransport({ baseUrl: `http://${address}`, interceptors: [...interceptors] });
      try {
        // Connect's client reads through a generator of its own, compiled to what no stack can look through.
        const failsLater = { count: 2, failAfter: 1, behavior: { failCode: Code.NotFound } };
        const open = () =>
          transport.stream(EchoService.method.serverStream, undefined, undefined, undefined, yielding(failsLater));
        const readsAll = async () => void (await collect((await open()).message));
        const reading = await functionsInStack(readsAll);
        assert.deepEqual(reading, ["readsAll", awaitingCaller.name]);
      } finally {
        await transport.close();
      }
    }));
}

test("the caller's own error keeps its own stack", () =>
  withEcho(async ({ address }) => {
    const transport = glinkTransport({ baseUrl: `http://${address}` });
    const client = createClient(EchoService, transport);
    try {
      const reason = new ConnectError("enough", Code.Aborted);
      const { stack } = reason;
      await assert.rejects(client.unary({}, { signal: AbortSignal.abort(reason) }), reason);
      const broken = (async function* () {
        yield {};
        throw reason;
      })();
      await assert.rejects(client.clientStream(broken), reason);
      assert.equal(reason.stack, stack);
    } finally {
      await transport.close();
    }
  }));

test("an interceptor may let go of a call that then fails", () =>
  withEcho(async ({ address }) => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", onUnhandled);
    let ended: Promise<unknown> | undefined;
    const racing: Interceptor = (next) => async (request) => {
      const inTime = next(request);
      ended = inTime.catch((error: unknown) => error);
      void next(request);
      void next({ ...request, url: "http://elsewhere.test/x.Y/Z" });
      throw new ConnectError("decided otherwise", Code.Aborted);
    };
    const transport = glinkTransport({ baseUrl: `http://${address}`, interceptors: [racing] });
    try {
      await assert.rejects(createClient(EchoService, transport).unary(failing), { code: Code.Aborted });
      assert.ok((await ended) instanceof ConnectError);
      await new Promise(setImmediate);
      assert.deepEqual(unhandled, []);
    } finally {
      process.off("unhandledRejection", onUnhandled);
      await transport.close();
    }
  }));
