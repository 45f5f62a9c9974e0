import assert from "node:assert/strict";
import { test } from "node:test";
import { format } from "node:util";
import { Code, ConnectError, createClient, createContextValues, type Interceptor } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type GlinkEvent,
  type GlinkTransportOptions,
  glinkCall,
  type Resolver,
  type ResolverListener,
  staticResolver,
} from "../../src/index.ts";
import { type ConnectEchoBackend, startConnectEcho } from "../support/echo-server.ts";
import { checkForLeaks } from "../support/leaks.ts";
import { glinkTransport } from "../support/transport.ts";

checkForLeaks();

/** An address of this machine where nobody listens. */
const deadAddress = "127.0.0.1:1";

async function withBackend(work: (backend: ConnectEchoBackend) => Promise<void>): Promise<void> {
  const backend = await startConnectEcho();
  try {
    await work(backend);
  } finally {
    await backend.close();
  }
}

function transportTo(address: string, options: Partial<GlinkTransportOptions> = {}) {
  return glinkTransport({ baseUrl: "http://echo.test:50051", resolver: staticResolver([address]), ...options });
}

function hasCode(code: Code, text: RegExp) {
  return (error: unknown) => error instanceof ConnectError && error.code === code && text.test(error.message);
}

test("ready resolves once a backend is there, without a call", () =>
  withBackend(async (backend) => {
    const transport = transportTo(backend.address);
    assert.equal(transport.snapshot().state, "idle");
    await transport.ready();
    assert.equal(transport.snapshot().state, "ready");
    assert.equal(backend.counters.executions, 0);
    await transport.close();
  }));

test("ready gives up after its timeout and says what is wrong", async () => {
  const transport = transportTo(deadAddress);
  await assert.rejects(transport.ready({ timeoutMs: 200 }), hasCode(Code.DeadlineExceeded, /ECONNREFUSED/));
  await transport.close();
});

test("ready gives up when its signal is aborted", async () => {
  const transport = transportTo(deadAddress);
  const controller = new AbortController();
  const ready = transport.ready({ signal: controller.signal });
  controller.abort(new Error("no patience"));
  await assert.rejects(ready, hasCode(Code.Canceled, /no patience/));
  await transport.close();
});

test("a pending ready is refused at close, and counts as no call", async () => {
  const transport = transportTo(deadAddress);
  const ready = assert.rejects(transport.ready(), hasCode(Code.FailedPrecondition, /closed/));
  assert.equal(transport.snapshot().openCalls, 0);
  await transport.close();
  await ready;
});

test("close waits for open calls, refuses new ones, and closes every socket", () =>
  withBackend(async (backend) => {
    const transport = transportTo(backend.address);
    const client = createClient(EchoService, transport);
    await transport.ready();
    const open = client.unary({ text: "slow", behavior: { delayMs: 200 } });
    const closing = transport.close();
    await assert.rejects(client.unary({}), hasCode(Code.FailedPrecondition, /the transport was closed/));
    assert.equal((await open).text, "slow");
    await closing;
    assert.equal(transport.snapshot().state, "shutdown");
    assert.equal(transport.snapshot().openCalls, 0);
  }));

test("close cuts what outlives its timeout, with Canceled", () =>
  withBackend(async (backend) => {
    const transport = transportTo(backend.address);
    const client = createClient(EchoService, transport);
    const open = assert.rejects(
      client.unary({ behavior: { delayMs: 60_000 } }),
      hasCode(Code.Canceled, /the transport was closed while the call was open/),
    );
    await transport.ready();
    await transport.close({ timeoutMs: 50 });
    await open;
  }));

test("close is one and the same however often it is called, and fine before the first call", async () => {
  const transport = transportTo(deadAddress);
  assert.equal(transport.close(), transport.close());
  await transport.close();
  await transport[Symbol.asyncDispose]();
  await assert.rejects(transport.ready(), hasCode(Code.FailedPrecondition, /closed/));
});

test("a stream that is open at close ends with Canceled", () =>
  withBackend(async (backend) => {
    const transport = transportTo(backend.address);
    const client = createClient(EchoService, transport);
    const stream = client.serverStream({ count: 1_000, intervalMs: 20 });
    const reading = assert.rejects(
      async () => {
        for await (const { index } of stream) if (index === 1) void transport.close({ timeoutMs: 0 });
      },
      hasCode(Code.Canceled, /the transport was closed/),
    );
    await reading;
    await transport.close();
  }));

test("the snapshot is plain data and tells the state of each backend", () =>
  withBackend(async (backend) => {
    const transport = glinkTransport({
      baseUrl: "http://echo.test:50051/prefix",
      resolver: staticResolver([backend.address, deadAddress]),
    });
    await transport.ready();
    const snapshot = transport.snapshot();
    assert.deepEqual(structuredClone({ ...snapshot, subchannels: [] }), { ...snapshot, subchannels: [] });
    assert.equal(snapshot.target, "http://echo.test:50051/prefix");
    assert.deepEqual([snapshot.resolver, snapshot.loadBalancing], ["static", "round_robin"]);
    assert.deepEqual(snapshot.subchannels.map(({ address }) => address).sort(), [deadAddress, backend.address].sort());
    await transport.close();
  }));

test("a listener hears events until it unsubscribes", () =>
  withBackend(async (backend) => {
    const transport = transportTo(backend.address);
    const heard: GlinkEvent["type"][] = [];
    const unsubscribe = transport.subscribe((event) => heard.push(event.type));
    await transport.ready();
    assert.deepEqual(heard, ["resolved", "pool-updated", "subchannel-state", "connected", "subchannel-state"]);
    unsubscribe();
    await transport.close();
    assert.equal(heard.length, 5);
  }));

test("a listener that throws is reported to the others and breaks nothing", () =>
  withBackend(async (backend) => {
    const transport = transportTo(backend.address);
    const reports: unknown[] = [];
    transport.subscribe(() => {
      throw new Error("broken listener");
    });
    transport.subscribe((event) => {
      if (event.type === "user-code-failed") reports.push(event.where);
    });
    await createClient(EchoService, transport).unary({});
    assert.equal(reports[0], "event listener");
    await transport.close();
  }));

test("a logger that throws breaks nothing", () =>
  withBackend(async (backend) => {
    const broken = () => {
      throw new Error("disk full");
    };
    const logger = { debug: broken, info: broken, warn: broken, error: broken };
    const transport = transportTo(backend.address, { logger });
    assert.equal((await createClient(EchoService, transport).unary({ text: "ok" })).text, "ok");
    await transport.close();
  }));

test("calls work under fake timers, and their deadlines follow them", (t) =>
  withBackend(async (backend) => {
    const transport = transportTo(backend.address, { retry: false });
    const client = createClient(EchoService, transport);
    await client.unary({});
    t.mock.timers.enable({ apis: ["setTimeout", "setImmediate"] });
    assert.equal((await client.unary({ text: "ok" })).text, "ok");
    const call = client.unary({ behavior: { delayMs: 120_000 } }, { timeoutMs: 60_000 });
    t.mock.timers.tick(60_000);
    await assert.rejects(call, hasCode(Code.DeadlineExceeded, /timed out/));
    t.mock.timers.reset();
    await transport.close();
  }));

test("logger: true is the console from info on: failed attempts are no lines of it", (t) =>
  withBackend(async (backend) => {
    const lines: string[] = [];
    for (const level of ["debug", "info", "warn", "error"] as const) {
      t.mock.method(
        console,
        level,
        (text: string, ...values: unknown[]) => void lines.push(`${level}: ${format(text, ...values.slice(0, 2))}`),
      );
    }
    const transport = transportTo(backend.address, { logger: true });
    await assert.rejects(createClient(EchoService, transport).unary({ behavior: { failCode: Code.NotFound } }));
    await transport.close();
    assert.deepEqual(lines, ["info: glink http://echo.test:50051: backends changed: 1 added, 0 removed, 0 kept"]);
  }));

test("bad options of ready and close reject, and do not close", () =>
  withBackend(async (backend) => {
    const transport = transportTo(backend.address);
    await assert.rejects(transport.ready({ timeoutMs: -1 }), /ready: timeoutMs must be a number from 0/);
    await assert.rejects(transport.close({ timeoutMs: Number.NaN }), /close: timeoutMs must be a number from 0/);
    await transport.ready();
    await transport.close();
  }));

test("the state is connecting while a name is looked up for the first time, and transient-failure when that failed", async () => {
  let listener: ResolverListener | undefined;
  const resolver: Resolver = {
    name: "manual",
    watch: (_, given) => {
      listener = given;
      return { refresh: () => undefined, close: () => undefined };
    },
  };
  await using transport = glinkTransport({ baseUrl: "http://echo.test", resolver });
  assert.equal(transport.snapshot().state, "idle");
  const ready = transport.ready({ timeoutMs: 1_000 });
  ready.catch(() => undefined);
  assert.equal(transport.snapshot().state, "connecting");
  listener?.onError(new Error("no such name"));
  assert.equal(transport.snapshot().state, "transient-failure");
  assert.equal(transport.snapshot().lastError?.kind, "name-resolution");
});

test("a signal that is none is refused by name, and the transport can still be closed", async () => {
  const transport = glinkTransport({ baseUrl: "http://127.0.0.1:1" });
  const signal = new AbortController() as unknown as AbortSignal;
  await assert.rejects(transport.ready({ signal }), /ready: signal must be an AbortSignal, not an object/);
  await assert.rejects(transport.close({ signal }), /close: signal must be an AbortSignal, not an object/);
  await transport.close();
  assert.equal(transport.snapshot().state, "shutdown");
});

test("an IP literal is its own list of addresses", async () => {
  const transport = glinkTransport({ baseUrl: "http://127.0.0.1:1" });
  assert.equal(transport.snapshot().resolver, "static");
  await transport.close();
});

test("whoever hears of the end may call and close again: calls are refused, and the transport is closed once", () =>
  withBackend(async (backend) => {
    const transport = transportTo(backend.address);
    await transport.ready();
    const inner: Promise<unknown>[] = [];
    let closed = 0;
    transport.subscribe((event) => {
      if (event.type === "closed") closed++;
      if (event.type !== "subchannel-state" || event.to !== "shutdown") return;
      inner.push(createClient(EchoService, transport).unary({}), transport.close());
    });
    const closing = transport.close();
    const [call, again] = inner;
    await assert.rejects(call as Promise<unknown>, hasCode(Code.FailedPrecondition, /closed/));
    assert.equal(again, closing);
    await closing;
    assert.equal(closed, 1);
  }));

test("what is left of an intercepted stream can be read after close, but nothing can be called for it", () =>
  withBackend(async (backend) => {
    let closed = 0;
    const resume: Interceptor = (next) => async (request) => {
      const response = await next(request);
      if (!response.stream) return response;
      async function* again(first: AsyncIterable<unknown>) {
        yield* first;
        const second = await next(request);
        if (second.stream) yield* second.message;
      }
      return { ...response, message: again(response.message) } as typeof response;
    };
    const transport = transportTo(backend.address, { interceptors: [resume] });
    transport.subscribe(({ type }) => {
      if (type === "closed") closed++;
    });
    const reader = createClient(EchoService, transport).serverStream({ count: 3 })[Symbol.asyncIterator]();
    await reader.next();
    await transport.close();
    assert.deepEqual([(await reader.next()).value?.index, (await reader.next()).value?.index], [1, 2]);
    await assert.rejects(reader.next(), hasCode(Code.FailedPrecondition, /the transport was closed/));
    assert.equal(closed, 1);
  }));

test("listeners, loggers and onAttempt may be asynchronous, and what they reject with is reported", () =>
  withBackend(async (backend) => {
    const fail = async () => {
      throw new Error("no disk");
    };
    const transport = transportTo(backend.address, { logger: { debug: fail, info: fail, warn: fail, error: fail } });
    const reports: string[] = [];
    transport.subscribe(fail);
    transport.subscribe((event) => {
      if (event.type === "user-code-failed") reports.push(event.where);
    });
    const contextValues = createContextValues().set(glinkCall, { onAttempt: fail });
    await createClient(EchoService, transport).unary({}, { contextValues });
    await transport.close();
    assert.deepEqual([...new Set(reports)].sort(), ["event listener", "onAttempt"]);
  }));
