// Signals that are not Node's own: of polyfills, of test environments, of a hand that wrote the three members down.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { Code, createClient, type Interceptor } from "@connectrpc/connect";
import { AbortController as PolyfilledController } from "node-abort-controller";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, connectError, until, withGlink, yielding } from "./calls-harness.ts";

checkForLeaks();

/** A signal that is not Node's, what aborts it, and how many listen to it. */
interface Foreign {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
  listeners(): number;
}

function polyfilled(): Foreign {
  const controller = new PolyfilledController();
  const { eventEmitter } = controller.signal as unknown as { eventEmitter: EventEmitter };
  return {
    signal: controller.signal as AbortSignal,
    abort: (reason) => controller.abort(reason),
    listeners: () => eventEmitter.listenerCount("abort"),
  };
}

/** As small as a signal can be: no `reason`, no event object. */
function bare(): Foreign {
  const listeners = new Set<() => void>();
  const signal = {
    aborted: false,
    addEventListener: (_: string, listener: () => void) => listeners.add(listener),
    removeEventListener: (_: string, listener: () => void) => listeners.delete(listener),
  };
  return {
    signal: signal as unknown as AbortSignal,
    abort: () => {
      signal.aborted = true;
      for (const listener of listeners) listener();
    },
    listeners: () => listeners.size,
  };
}

const passOn: Interceptor = (next) => (request) => next(request);

for (const [name, make, text] of [
  ["node-abort-controller", polyfilled, /enough/],
  ["an object with three members", bare, /the call was canceled/],
] as const) {
  for (const interceptors of [[], [passOn]]) {
    test(`the signal of ${name} ends calls of every kind, and no listener stays, ${interceptors.length} interceptors`, () =>
      withGlink(
        () => startConnectEcho(),
        { interceptors },
        async (transport, backend) => {
          const client = createClient(EchoService, transport);
          const { signal, abort, listeners } = make();
          assert.equal((await client.unary({ text: "before" }, { signal })).text, "before");
          assert.equal((await collect(client.serverStream({ count: 3 }, { signal }))).length, 3);
          assert.equal(listeners(), 0);
          const behavior = { delayMs: 60_000 };
          const calls = [
            client.unary({ behavior }, { signal }),
            collect(client.serverStream({ count: 1, behavior }, { signal })),
            client.clientStream(yielding({ behavior }), { signal }),
            collect(client.bidi(yielding({ behavior }), { signal })),
          ];
          const rejected = calls.map((call) => assert.rejects(call, connectError(Code.Canceled, text)));
          await until(() => backend.counters.executions === 6, "the server has all calls");
          assert.equal(listeners(), 1);
          abort(new Error("enough"));
          await Promise.all(rejected);
          assert.equal(listeners(), 0);
          await assert.rejects(client.unary({}, { signal }), connectError(Code.Canceled, text));
          assert.equal(listeners(), 0);
        },
      ));
  }

  test(`the signal of ${name} ends ready() and close()`, async () => {
    const backend = await startConnectEcho();
    const silent = glinkTransport({ baseUrl: "http://127.0.0.1:9" });
    const transport = glinkTransport({ baseUrl: `http://${backend.address}` });
    try {
      const waiting = make();
      const notReady = assert.rejects(silent.ready({ signal: waiting.signal }), connectError(Code.Canceled, text));
      assert.equal(waiting.listeners(), 1);
      waiting.abort(new Error("enough"));
      await notReady;
      assert.equal(waiting.listeners(), 0);

      const call = createClient(EchoService, transport).unary({ behavior: { delayMs: 60_000 } });
      const cut = assert.rejects(call, connectError(Code.Canceled, /the transport was closed/));
      await until(() => backend.counters.running === 1, "the server has the call");
      const closing = make();
      const closed = transport.close({ timeoutMs: 60_000, signal: closing.signal });
      assert.equal(closing.listeners(), 1);
      closing.abort();
      await Promise.all([cut, closed]);
      assert.equal(closing.listeners(), 0);
    } finally {
      await silent.close({ timeoutMs: 0 });
      await transport.close({ timeoutMs: 0 });
      await backend.close();
    }
  });
}

test("a signal that cannot be listened to is refused by name, before anything is sent", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport, backend) => {
      const client = createClient(EchoService, transport);
      const halves: unknown[] = [
        {},
        { aborted: false, addEventListener: () => undefined },
        new EventEmitter(),
        "signal",
      ];
      for (const half of halves) {
        const signal = half as AbortSignal;
        const refused = connectError(Code.InvalidArgument, /signal must be an AbortSignal/);
        await assert.rejects(client.unary({}, { signal }), refused);
        await assert.rejects(collect(client.serverStream({}, { signal })), refused);
        await assert.rejects(transport.ready({ signal }), /ready: signal must be an AbortSignal/);
        await assert.rejects(transport.close({ signal }), /close: signal must be an AbortSignal/);
      }
      assert.equal(backend.counters.executions, 0);
      assert.equal(transport.snapshot().openCalls, 0);
    },
  ));
