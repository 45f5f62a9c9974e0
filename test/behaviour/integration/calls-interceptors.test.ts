import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createClient,
  createContextKey,
  createContextValues,
  type Interceptor,
  type StreamResponse,
  type Transport,
  type UnaryRequest,
} from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  EchoService,
  ServerStreamRequestSchema,
  UnaryRequestSchema,
} from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransport, glinkCall } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, connectError, servers, until, withGlink, yielding } from "./calls-harness.ts";

checkForLeaks();

/** An interceptor that passes messages of a stream through `map`. */
function mapped(map: (message: never) => unknown): Interceptor {
  async function* each(messages: AsyncIterable<unknown>) {
    for await (const message of messages) yield map(message as never);
  }
  return (next) => async (request) => {
    if (!request.stream) return next(request);
    const response = (await next({ ...request, message: each(request.message) } as typeof request)) as StreamResponse;
    return { ...response, message: each(response.message) } as StreamResponse;
  };
}

/** Interceptors that note what they see, as a user of either transport would write them. */
function noting(log: unknown[]): Interceptor[] {
  return ["outer", "inner"].map((name) => (next) => {
    log.push(`${name} is made`);
    return async (request) => {
      const { stream, service, method, requestMethod, url, header, signal } = request;
      log.push([name, stream, service.typeName, method.name, requestMethod, new URL(url).pathname, signal.aborted]);
      log.push([...header].filter(([field]) => field !== "user-agent"));
      header.set(`x-echo-${name}`, "was here");
      try {
        const response = await next(request);
        log.push([name, response.stream, response.method.name, response.header.get("x-echo-inner")]);
        // Connect's stream responses carry the request's fields too, which is in no contract.
        const own = ["stream", "service", "method", "header", "message", "trailer"];
        log.push(own.filter((field) => Object.hasOwn(response, field)));
        return { ...response };
      } catch (error) {
        log.push([name, ConnectError.from(error).code]);
        throw error;
      }
    };
  });
}

for (const { name: server, start } of servers) {
  test(`interceptors run in the order, with the requests and responses, of createGrpcTransport: ${server}`, async () => {
    const backend = await start();
    const baseUrl = `http://${backend.address}`;
    const sessionManager = new Http2SessionManager(baseUrl);
    const run = async (make: (interceptors: Interceptor[]) => Transport) => {
      const log: unknown[] = [];
      const client = createClient(EchoService, make(noting(log)));
      const onTrailer = (trailer: Headers) => log.push(trailer.get("grpc-status"));
      const onHeader = (header: Headers) => log.push(header.get("x-echo-outer"));
      const options = { onHeader, onTrailer, headers: { "x-own": "1" } };
      log.push((await client.unary({ text: "a" }, options)).text);
      log.push(await client.unary({ behavior: { failCode: 7 } }, options).catch((error: ConnectError) => error.code));
      log.push((await collect(client.serverStream({ count: 3 }, options))).length);
      log.push((await client.clientStream(yielding({ text: "x" }, { text: "y" }), options)).count);
      log.push((await collect(client.bidi(yielding({ text: "x" }, { text: "y" }), options))).map(({ text }) => text));
      return log;
    };
    const glink = glinkTransport({ baseUrl });
    let mine: Transport & AsyncDisposable = glink;
    try {
      const expected = await run((interceptors) => createGrpcTransport({ baseUrl, sessionManager, interceptors }));
      const actual = await run((interceptors) => {
        mine = glinkTransport({ baseUrl, interceptors });
        return mine;
      });
      assert.deepEqual(actual, expected);
    } finally {
      sessionManager.abort();
      await mine[Symbol.asyncDispose]();
      await glink.close();
      await backend.close();
    }
  });

  test(`interceptors change path, message and response of unary calls: ${server}`, () => {
    const interceptor: Interceptor = (next) => async (request) => {
      if (request.stream) return next(request);
      const unary = request as UnaryRequest;
      // UnaryIdempotent's messages have the same fields 1.
      const url = request.url.replace(/Unary$/, "UnaryIdempotent");
      const message = create(UnaryRequestSchema, { text: `${(unary.message as unknown as { text: string }).text}!` });
      const response = await next({ ...unary, url, message });
      return { ...response, trailer: new Headers({ "x-made-up": "1" }) } as typeof response;
    };
    return withGlink(start, { interceptors: [interceptor] }, async (transport) => {
      let trailer: Headers | undefined;
      const client = createClient(EchoService, transport);
      const onTrailer = (received: Headers) => {
        trailer = received;
      };
      assert.equal((await client.unary({ text: "hello" }, { onTrailer })).text, "hello!");
      assert.equal(trailer?.get("x-made-up"), "1");
    });
  });

  test(`interceptors change the messages of streams in both directions: ${server}`, () => {
    const louder = mapped((message: { text: string }) => ({ ...message, text: `${message.text}!` }));
    return withGlink(start, { interceptors: [louder, louder] }, async (transport) => {
      const client = createClient(EchoService, transport);
      const echoed = await collect(client.bidi(yielding({ text: "a" }, { text: "b" })));
      assert.deepEqual(
        echoed.map(({ text }) => text),
        ["a!!!!", "b!!!!"],
      );
    });
  });
}

test("interceptors run once per call, with the retries beneath", () => {
  let runs = 0;
  const counting: Interceptor = (next) => (request) => {
    runs++;
    return next(request);
  };
  return withGlink(
    () => startConnectEcho(),
    { interceptors: [counting] },
    async (transport, backend) => {
      const client = createClient(EchoService, transport);
      const behavior = { failCode: Code.Unavailable, failAttempts: 2, requestId: "once" };
      await client.unary({ behavior });
      assert.equal(runs, 1);
      assert.equal(backend.counters.byRequestId.get("once"), 3);
      assert.equal(transport.snapshot().callsStarted, 1);
      assert.equal(transport.snapshot().openCalls, 0);
    },
  );
});

test("context values reach interceptors, and what they set reaches the call", () => {
  const key = createContextKey("nobody");
  const seen: string[] = [];
  const attempts: number[] = [];
  const interceptor: Interceptor = (next) => (request) => {
    seen.push(request.contextValues.get(key));
    request.contextValues.set(glinkCall, { retry: false, onAttempt: ({ attempt }) => attempts.push(attempt) });
    return next(request);
  };
  return withGlink(
    () => startConnectEcho(),
    { interceptors: [interceptor] },
    async (transport) => {
      const client = createClient(EchoService, transport);
      await client.unary({}, { contextValues: createContextValues().set(key, "caller") });
      const failing = client.unary({ behavior: { failCode: Code.Unavailable } });
      await assert.rejects(failing, connectError(Code.Unavailable));
      assert.deepEqual(seen, ["caller", "nobody"]);
      assert.deepEqual(attempts, [1, 1]);
    },
  );
});

const misbehaving: Record<string, [Interceptor, Code, RegExp]> = {
  "throws in its outer function": [
    () => {
      throw new Error("outer trouble");
    },
    Code.Unknown,
    /outer trouble/,
  ],
  throws: [
    () => () => {
      throw new ConnectError("not today", Code.PermissionDenied);
    },
    Code.PermissionDenied,
    /not today/,
  ],
  "rejects after the answer": [
    (next) => async (request) => {
      await next(request);
      throw new TypeError("cannot log");
    },
    Code.Unknown,
    /cannot log/,
  ],
  "goes to another host": [
    (next) => (request) => next({ ...request, url: "http://elsewhere:1/x" } as typeof request),
    Code.Internal,
    /elsewhere/,
  ],
  "sets a header that HTTP/2 cannot carry": [
    (next) => (request) => {
      request.header.set("x-bell", "\x07");
      return next(request);
    },
    Code.InvalidArgument,
    /"x-bell"/,
  ],
};

for (const [what, [interceptor, code, text]] of Object.entries(misbehaving)) {
  test(`an interceptor that ${what} fails that call alone`, () => {
    let misbehave = true;
    const sometimes: Interceptor = (next) => (request) => (misbehave ? interceptor(next)(request) : next(request));
    return withGlink(
      () => startConnectEcho(),
      { interceptors: [sometimes] },
      async (transport) => {
        const client = createClient(EchoService, transport);
        await assert.rejects(client.unary({}), connectError(code, text));
        await assert.rejects(collect(client.bidi(yielding({}))), connectError(code, text));
        misbehave = false;
        await client.unary({});
        await until(() => transport.snapshot().openCalls === 0, "no call is open");
      },
    );
  });
}

test("an interceptor that never calls next answers by itself", () => {
  const cached: Interceptor = (next) => async (request) => {
    const response = request.stream ? undefined : { ...request, trailer: new Headers() };
    return response === undefined ? next(request) : (response as never);
  };
  return withGlink(
    () => startConnectEcho(),
    { interceptors: [cached] },
    async (transport, backend) => {
      assert.equal((await createClient(EchoService, transport).unary({ text: "cached" })).text, "cached");
      assert.equal(backend.counters.executions, 0);
      assert.equal(transport.snapshot().openCalls, 0);
    },
  );
});

test("an interceptor may call next twice, and a call it lets go of is cancelled when the answer is given", () => {
  const twice: Interceptor = (next) => async (request) => {
    if (request.stream) return next(request);
    const slow = create(UnaryRequestSchema, { behavior: { delayMs: 60_000 } });
    const answers = [next({ ...request, message: slow } as UnaryRequest), next(request)];
    return Promise.race(answers);
  };
  return withGlink(
    () => startConnectEcho(),
    { interceptors: [twice] },
    async (transport, backend) => {
      assert.equal((await createClient(EchoService, transport).unary({ text: "fast" })).text, "fast");
      await until(() => backend.counters.aborted === 1, "the server heard that the slow call was cancelled");
      assert.equal(transport.snapshot().openCalls, 0);
    },
  );
});

test("no call outlives its deadline because an interceptor hangs", () => {
  const hanging: Interceptor = () => () => new Promise(() => undefined);
  return withGlink(
    () => startConnectEcho(),
    { interceptors: [hanging] },
    async (transport) => {
      const client = createClient(EchoService, transport);
      await assert.rejects(client.unary({}, { timeoutMs: 30 }), connectError(Code.DeadlineExceeded));
      await assert.rejects(
        collect(client.serverStream({ count: 1 }, { timeoutMs: 30 })),
        connectError(Code.DeadlineExceeded),
      );
      assert.equal(transport.snapshot().openCalls, 0);
    },
  );
});

/** Passes one message of a stream on, and then nothing: no other message, no end, no error. */
const stuckAfterOne: Interceptor = (next) => async (request) => {
  const response = await next(request);
  if (!response.stream) return response;
  async function* stuck(messages: AsyncIterable<unknown>) {
    for await (const message of messages) {
      yield message;
      await new Promise(() => undefined);
    }
  }
  return { ...response, message: stuck(response.message) } as StreamResponse;
};

test("no read of a stream outlives the deadline because an interceptor hangs", () =>
  withGlink(
    () => startConnectEcho(),
    { interceptors: [stuckAfterOne] },
    async (transport) => {
      const client = createClient(EchoService, transport);
      const got: number[] = [];
      await assert.rejects(async () => {
        for await (const { index } of client.serverStream({ count: 2 }, { timeoutMs: 300 })) got.push(index);
      }, connectError(Code.DeadlineExceeded));
      assert.deepEqual(got, [0]);
      assert.equal(transport.snapshot().openCalls, 0);
    },
  ));

for (const [what, leave] of Object.entries({
  "a read": (reader: AsyncIterator<unknown>) =>
    assert.rejects(reader.next(), connectError(Code.DeadlineExceeded, /timed out/)),
  leaving: async (reader: AsyncIterator<unknown>) => {
    assert.deepEqual(await reader.return?.(), { done: true, value: undefined });
  },
})) {
  test(`${what} after the deadline does not wait for an interceptor that hangs`, () =>
    withGlink(
      () => startConnectEcho(),
      { interceptors: [stuckAfterOne] },
      async (transport, backend) => {
        const { serverStream } = EchoService.method;
        const request = yielding({ count: 10_000, intervalMs: 5 });
        const { message } = await transport.stream(serverStream, undefined, 150, undefined, request);
        const reader = message[Symbol.asyncIterator]();
        assert.equal((await reader.next()).done, false);
        await until(() => backend.counters.aborted === 1, "the deadline has passed");
        await leave(reader);
        assert.equal(transport.snapshot().openCalls, 0);
      },
    ));
}

test("a stream that interceptors pass on as it came ends for its reader as one without interceptors", () => {
  const ways = (transport: GlinkTransport): Record<string, () => Promise<unknown>> => {
    const client = createClient(EchoService, transport);
    const read = async (messages: AsyncIterable<{ readonly index: number }>, each: (index: number) => unknown) => {
      const seen: unknown[] = [];
      try {
        for await (const { index } of messages) {
          seen.push(index);
          await each(index);
        }
      } catch (error) {
        seen.push(Code[ConnectError.from(error).code]);
      }
      return seen;
    };
    return {
      "read to its end": () => read(client.serverStream({ count: 3 }), () => undefined),
      "failed after two": () =>
        read(client.serverStream({ count: 3, failAfter: 2, behavior: { failCode: Code.DataLoss } }), () => undefined),
      "late for its deadline": () =>
        read(client.serverStream({ count: 1, intervalMs: 60_000 }, { timeoutMs: 100 }), () => undefined),
      "aborted while its reader waits": () => {
        const abort = new AbortController();
        setTimeout(() => abort.abort(), 50);
        return read(client.serverStream({ count: 1, intervalMs: 60_000 }, { signal: abort.signal }), () => undefined);
      },
      "aborted after all of it has come": () => {
        const abort = new AbortController();
        return read(client.serverStream({ count: 5 }, { signal: abort.signal }), async (index) => {
          if (index > 0) return;
          await until(() => transport.snapshot().openCalls === 0, "the server has sent everything");
          abort.abort();
        });
      },
    };
  };
  return withGlink(
    () => startConnectEcho(),
    {},
    async (plain, { address }) => {
      const seen: AbortSignal[] = [];
      const passing: Interceptor = (next) => (request) => {
        seen.push(request.signal);
        return next(request);
      };
      await using passed = glinkTransport({ baseUrl: `http://${address}`, interceptors: [passing, (next) => next] });
      const expected = ways(plain);
      for (const [what, run] of Object.entries(ways(passed))) {
        assert.deepEqual(await run(), await expected[what]?.(), what);
        assert.ok(seen.at(-1)?.aborted, `the signal says that the call is over: ${what}`);
        assert.equal(passed.snapshot().openCalls, 0);
      }
    },
  );
});

test("a deadline behind interceptors still names the backend", () =>
  withGlink(
    () => startConnectEcho(),
    { interceptors: [(next) => (request) => next(request)] },
    async (transport, backend) => {
      const client = createClient(EchoService, transport);
      await transport.ready();
      const slow = client.unary({ behavior: { delayMs: 60_000 } }, { timeoutMs: 100 });
      await assert.rejects(slow, connectError(Code.DeadlineExceeded, new RegExp(`backend ${backend.address}`)));
    },
  ));

test("the signal that interceptors see is aborted when the call has ended, and not before", () => {
  const signals: AbortSignal[] = [];
  const watching: Interceptor = (next) => async (request) => {
    signals.push(request.signal);
    const response = await next(request);
    assert.ok(!request.signal.aborted);
    return response;
  };
  return withGlink(
    () => startConnectEcho(),
    { interceptors: [watching] },
    async (transport) => {
      const client = createClient(EchoService, transport);
      await client.unary({});
      assert.ok(signals[0]?.aborted);
      await client.unary({ behavior: { failCode: Code.NotFound } }).catch(() => undefined);
      assert.equal(ConnectError.from(signals[1]?.reason).code, Code.NotFound);
      const response = await transport.stream(
        EchoService.method.serverStream,
        undefined,
        undefined,
        undefined,
        yielding({ count: 3 }),
      );
      await until(() => transport.snapshot().openCalls === 0, "the server has sent everything");
      const messages = response.message[Symbol.asyncIterator]();
      for (let i = 0; i < 3; i++) {
        assert.equal((await messages.next()).done, false);
        assert.ok(!signals[2]?.aborted, "reading goes on");
      }
      assert.equal((await messages.next()).done, true);
      assert.ok(signals[2]?.aborted);
    },
  );
});

test("an interceptor's own signal cancels what it passed on", () => {
  const controller = new AbortController();
  const interceptor: Interceptor = (next) => (request) =>
    next({ ...request, signal: AbortSignal.any([request.signal, controller.signal]) } as typeof request);
  return withGlink(
    () => startConnectEcho(),
    { interceptors: [interceptor] },
    async (transport, backend) => {
      const call = createClient(EchoService, transport).unary({ behavior: { delayMs: 60_000 } });
      await until(() => backend.counters.running === 1, "the server has the call");
      controller.abort(new Error("too slow for me"));
      await assert.rejects(call, connectError(Code.Canceled, /too slow for me/));
      await until(() => backend.counters.aborted === 1, "the server heard of it");
    },
  );
});

test("what an interceptor passes on once its caller has aborted is not sent, though the call had nothing open", () => {
  let again: () => Promise<unknown> = () => assert.fail();
  const late: Interceptor = (next) => (request) => {
    again = () => next({ ...request, message: yielding(create(ServerStreamRequestSchema)) } as typeof request);
    return next(request);
  };
  return withGlink(
    () => startConnectEcho(),
    { interceptors: [late] },
    async (transport, backend) => {
      const abort = new AbortController();
      const { serverStream } = EchoService.method;
      const request = yielding({ count: 1 });
      const response = await transport.stream(serverStream, abort.signal, 60_000, undefined, request);
      await until(() => transport.snapshot().openCalls === 0, "all of the answer has come");
      abort.abort();
      await assert.rejects(again(), connectError(Code.Canceled));
      assert.equal(backend.counters.executions, 1);
      await assert.rejects(collect(response.message), connectError(Code.Canceled));
      assert.equal(transport.snapshot().openCalls, 0);
    },
  );
});

test("leaving an intercepted stream cancels the call", () =>
  withGlink(
    () => startConnectEcho(),
    { interceptors: [mapped((message) => message)] },
    async (transport, backend) => {
      const response = await transport.stream(
        EchoService.method.serverStream,
        undefined,
        undefined,
        undefined,
        yielding({ count: 1_000, intervalMs: 5 }),
      );
      for await (const { index } of response.message) if (index === 2) break;
      await until(() => backend.counters.aborted === 1, "the server heard of it");
      assert.equal(transport.snapshot().openCalls, 0);
    },
  ));

test("interceptors and request messages see the caller's async context", () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const interceptor: Interceptor = (next) => async (request) => {
    seen.push(storage.getStore());
    const response = await next(request);
    seen.push(storage.getStore());
    return response;
  };
  return withGlink(
    () => startConnectEcho(),
    { interceptors: [interceptor] },
    async (transport) => {
      const client = createClient(EchoService, transport);
      const call = async () => {
        const contextValues = createContextValues().set(glinkCall, {
          onAttempt: () => seen.push(storage.getStore()),
        });
        await client.unary(
          { behavior: { failCode: Code.Unavailable, failAttempts: 1, requestId: "als" } },
          { contextValues },
        );
        async function* requests() {
          for (let i = 0; i < 5; i++) {
            seen.push(storage.getStore());
            yield { payload: new Uint8Array(200_000) };
          }
        }
        await client.clientStream(requests());
      };
      await Promise.all([storage.run("one", call), storage.run("one", call)]);
      assert.ok(seen.length >= 20);
      assert.deepEqual(new Set(seen), new Set(["one"]));
    },
  );
});
