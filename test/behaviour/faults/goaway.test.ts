import assert from "node:assert/strict";
import { test } from "node:test";
import { type FramePeerOptions, type PeerConnection, startFramePeer } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { transportTo, tryUnary, until, withPeer } from "./fault-call.ts";

checkForLeaks();

test("GOAWAY that excludes the request, socket left open: refused at once, and repeated for free on a new connection", () =>
  withPeer(
    { onRequest: (request, index) => (index === 1 ? request.connection.goaway(0) : request.ok()) },
    async (transport, peer) => {
      await tryUnary(transport);
      const once = await tryUnary(transport);
      assert.equal(once.code, "Unavailable");
      assert.match(once.message, /GOAWAY NO_ERROR/);
      assert.deepEqual(
        once.attempts.map(({ progress }) => progress),
        ["refused"],
      );
      assert.ok(once.elapsedMs < 2_000, "not at the deadline, nor when the socket closes");
      assert.equal((await tryUnary(transport)).code, undefined);
      assert.equal(peer.connections.length, 2);
    },
  ));

test("a refused request is repeated once for free, then by policy", () =>
  withPeer(
    { onRequest: (request, index) => (index < 2 ? request.reset(7) : request.ok()) },
    async (transport, peer) => {
      const outcome = await tryUnary(transport, { retry: { maxAttempts: 2, initialBackoffMs: 1 } });
      assert.equal(outcome.code, undefined);
      assert.deepEqual(
        outcome.attempts.map(({ progress, attempt }) => `${attempt} ${progress}`),
        ["1 refused", "1 refused", "2 undefined"],
      );
      assert.equal(peer.requests.length, 3);
    },
  ));

test("a graceful GOAWAY in two steps: open calls finish, new ones go to a new connection, the old one closes", () =>
  withPeer(
    {
      onRequest: (request, index) => {
        if (index !== 1) request.ok();
      },
    },
    async (transport, peer) => {
      await tryUnary(transport);
      const open = tryUnary(transport);
      await until(() => peer.requests.length === 2, "the second request has come");
      const [first] = peer.connections;
      first?.goaway(2 ** 31 - 1);
      first?.goaway(peer.requests[1]?.id ?? 0);
      await until(() => transport.snapshot().draining.length === 1, "the GOAWAY has come");
      assert.equal((await tryUnary(transport)).code, undefined);
      assert.equal(peer.connections.length, 2);
      peer.requests[1]?.ok();
      assert.equal((await open).code, undefined);
      await until(() => first?.socket.readableEnded === true, "the client has closed the first connection");
    },
  ));

test("a request that nine connections in a row refused by GOAWAY in good order runs once, and fails nobody", () =>
  withPeer(
    { onRequest: (request, index) => (index < 9 ? request.connection.goaway(0) : request.ok()) },
    async (transport, peer) => {
      const outcome = await tryUnary(transport, { retry: "default" });
      assert.equal(outcome.code, undefined, outcome.message);
      assert.deepEqual(
        outcome.attempts.map(({ attempt, progress }) => `${attempt} ${progress}`),
        [...Array.from({ length: 9 }, () => "1 refused"), "1 undefined"],
      );
      assert.equal(peer.connections.length, 10);
    },
    { reconnectBackoff: { initialBackoffMs: 1, maxBackoffMs: 1 } },
  ));

test("a server that refuses by GOAWAY without an end is asked eleven times, and then as often as the policy says", () =>
  withPeer(
    { onRequest: (request) => request.connection.goaway(0) },
    async (transport, peer) => {
      const outcome = await tryUnary(transport, { retry: { maxAttempts: 2, initialBackoffMs: 1 } });
      assert.equal(outcome.code, "Unavailable");
      assert.match(outcome.message, /GOAWAY NO_ERROR .*2 attempts/);
      assert.equal(peer.requests.length, 12);
    },
    { reconnectBackoff: { initialBackoffMs: 1, maxBackoffMs: 1 } },
  ));

const errors: readonly { code: number; name: string }[] = [
  { code: 1, name: "PROTOCOL_ERROR" },
  { code: 2, name: "INTERNAL_ERROR" },
  { code: 11, name: "ENHANCE_YOUR_CALM" },
  { code: 99, name: "unknown error code" },
];

for (const { code, name } of errors) {
  test(`GOAWAY with ${name}: Unavailable for all, the request it names too, and only those it excludes are proven not to have run`, () =>
    withPeer(
      {
        onRequest: ({ connection }, index) => {
          if (index === 2) connection.goaway(3, code, "what went wrong");
        },
      },
      async (transport) => {
        await transport.ready();
        const outcomes = await Promise.all([tryUnary(transport), tryUnary(transport), tryUnary(transport)]);
        assert.deepEqual(
          outcomes.map((outcome) => outcome.code),
          ["Unavailable", "Unavailable", "Unavailable"],
        );
        assert.deepEqual(
          outcomes.map(({ attempts }) => attempts[0]?.progress),
          ["unknown", "unknown", "refused"],
        );
        for (const { message } of outcomes) assert.match(message, new RegExp(`GOAWAY ${name} .*: what went wrong`));
      },
    ));
}

test("a GOAWAY's debug data is cut at 200 characters in the message", () =>
  withPeer({ onRequest: ({ connection }) => connection.goaway(1, 2, "x".repeat(16_000)) }, async (transport) => {
    const { message } = await tryUnary(transport);
    assert.match(message, /: x{200}…/);
    assert.ok(message.length < 500, `${message.length} characters`);
  }));

test("GOAWAY with NO_ERROR that covers the request, then FIN: Unavailable, and it may have run", () =>
  withPeer(
    {
      onRequest: ({ connection, id }) => {
        connection.goaway(id);
        connection.socket.end();
      },
    },
    async (transport) => {
      const outcome = await tryUnary(transport);
      assert.equal(outcome.code, "Unavailable");
      assert.equal(outcome.attempts[0]?.progress, "unknown");
    },
  ));

test("too_many_pings makes the whole pool ping half as often", async () => {
  const script = { onRequest: () => undefined };
  const strict = await startFramePeer({
    onRequest: ({ connection }) => connection.goaway(1, 11, "too_many_pings"),
  });
  const other = await startFramePeer(script);
  const transport = transportTo([strict.address, other.address], { pingIntervalMs: 400, pingIdleConnection: true });
  try {
    await transport.ready();
    await until(() => transport.snapshot().subchannels.every(({ state }) => state === "ready"), "both are ready");
    const calls = [tryUnary(transport, { timeoutMs: 2_500 }), tryUnary(transport, { timeoutMs: 2_500 })];
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    assert.deepEqual(codes.sort(), ["DeadlineExceeded", "Unavailable"]);
    const pings = other.connections[0]?.pings ?? 0;
    assert.ok(pings >= 1 && pings <= 4, `${pings} PINGs in 2.5 s; at the old pace there were 5 or more`);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await Promise.all([strict.close(), other.close()]);
  }
});

test("GOAWAY on an idle connection and a call at that moment, 200 times: no call fails", () =>
  withPeer({ onRequest: (request) => request.ok() }, async (transport, peer) => {
    await transport.ready();
    for (let round = 0; round < 200; round++) {
      const connection = peer.connections.at(-1);
      const lastId = peer.requests.filter((request) => request.connection === connection).at(-1)?.id ?? 0;
      connection?.goaway(lastId);
      // Some calls race the GOAWAY on its way, some come when it has been read.
      for (let turns = round % 4; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      const outcome = await tryUnary(transport, { retry: "default" });
      assert.equal(outcome.code, undefined, `round ${round}: ${outcome.message}`);
    }
  }));

for (const lastId of ["2^31-1", "the last answer's"]) {
  test(`calls that begin in the turn in which a GOAWAY with last id ${lastId} arrives have not left, and run once each`, () =>
    withPeer({ onRequest: (request) => request.ok() }, async (transport, peer) => {
      let repeated = 0;
      for (let round = 0; round < 20; round++) {
        assert.equal((await tryUnary(transport)).code, undefined);
        // A timer's callbacks come before what has arrived is read, and what they write leaves after that.
        await new Promise((resolve) => setTimeout(resolve, 5));
        const last = peer.requests.at(-1);
        const before = peer.requests.length;
        last?.connection.goaway(lastId === "2^31-1" ? 2 ** 31 - 1 : last.id);
        const outcomes = await Promise.all(Array.from({ length: 10 }, () => tryUnary(transport)));
        const onLast = peer.requests.slice(before).filter(({ connection }) => connection === last?.connection);
        const refused = lastId === "2^31-1" ? 0 : onLast.length;
        // Without retries the call of a request that has left, and was refused, fails; any other is answered elsewhere.
        assert.equal(outcomes.filter(({ code }) => code !== undefined).length, refused);
        assert.equal(peer.requests.length - before, 10);
        repeated += 10 - onLast.length;
      }
      assert.ok(lastId === "2^31-1" || repeated > 0, "some calls had not left");
    }));
}

test("GOAWAY right after each reply, 100 calls: no call fails", () =>
  withPeer(
    {
      onRequest: (request) => {
        request.ok();
        request.connection.goaway(request.id);
      },
    },
    async (transport) => {
      for (let i = 0; i < 100; i++) {
        const outcome = await tryUnary(transport, { retry: "default" });
        assert.equal(outcome.code, undefined, outcome.message);
      }
    },
  ));

for (const lastId of ["2^31-1", "the request's"]) {
  test(`GOAWAY with last id ${lastId} after each 20 requests, while slow handlers work: no call fails, and there is no backoff`, async () => {
    const taken = new Map<PeerConnection, number>();
    const script: FramePeerOptions = {
      onRequest: (request) => {
        const { connection } = request;
        const count = (taken.get(connection) ?? 0) + 1;
        taken.set(connection, count);
        // What a GOAWAY has excluded is not processed.
        if (lastId !== "2^31-1" && count > 20) return;
        setTimeout(() => request.ok(), 150);
        if (count === 20) connection.goaway(lastId === "2^31-1" ? 2 ** 31 - 1 : request.id);
      },
    };
    await withPeer(script, async (transport, peer) => {
      const states: string[] = [];
      transport.subscribe((event) => {
        if (event.type === "subchannel-state") states.push(event.to);
      });
      let left = 400;
      const codes = new Set<string | undefined>();
      const caller = async () => {
        while (left-- > 0) codes.add((await tryUnary(transport, { retry: "default", timeoutMs: 60_000 })).code);
      };
      await Promise.all(Array.from({ length: 16 }, caller));
      assert.deepEqual(codes, new Set([undefined]));
      assert.ok(peer.connections.length >= 10, `${peer.connections.length} connections`);
      assert.equal(states.includes("transient-failure"), false);
    });
  });
}

test("a server that takes each call and says GOAWAY without an answer is dialled less and less often", () =>
  withPeer({ onRequest: ({ connection }) => connection.goaway(0) }, async (transport, peer) => {
    const startedMs = performance.now();
    while (performance.now() - startedMs < 2_000) await tryUnary(transport, { retry: "default", timeoutMs: 500 });
    // 1 + 1 at once, then 0.25, 0.4, 0.64, 1.0 s after one another, less 20 %.
    assert.ok(peer.connections.length >= 3 && peer.connections.length <= 7, `${peer.connections.length} dials`);
  }));

test("a frozen peer does not hold up close(): a connection that drained before is cut", () =>
  withPeer({ onRequest: (request) => request.ok() }, async (transport, peer) => {
    await tryUnary(transport);
    const socket = peer.connections[0]?.socket;
    socket?.removeAllListeners("data");
    socket?.pause();
    const startedMs = performance.now();
    await transport.close();
    assert.ok(performance.now() - startedMs < 5_000);
  }));
