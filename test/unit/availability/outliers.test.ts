import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import type { Failure } from "../../../src/base/errors.ts";
import type { FakeConnection, FakeStream } from "../../support/fake-connector.ts";
import { pickInfo } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { EndedCall, never, type Outcome, poolOf, type Setting, status, unavailable } from "./outlier-pool.ts";

describe("outlier detection by default", () => {
  test("five failures in a row of one backend, while others answer, eject it for 30 s", async () => {
    const { bad, calls, oneFails, events, served, clock, close } = await poolOf();
    await calls(4 * 4, oneFails);
    assert.equal(bad.availability, "usable", "four are not enough");
    await calls(4, oneFails);
    assert.equal(bad.availability, "ejected");
    assert.equal(bad.state, "ready", "its connection stays");
    assert.deepEqual(events.ofType("backend-ejected"), [
      {
        type: "backend-ejected",
        address: bad.id,
        reason: "consecutive-failures",
        ejections: 1,
        ejectionMs: 30_000,
      },
    ]);
    assert.equal(served().includes(bad.id), false);
    await clock.advance(29_999);
    assert.equal(served().includes(bad.id), false);
    close();
    assert.equal(clock.pending, 0);
  });

  test("an answer in between, whatever its status, begins the count anew", async () => {
    const { bad, calls, oneFails, close } = await poolOf();
    const notFound: Outcome = (address) => (address === bad.id ? status(Code.NotFound) : undefined);
    for (let i = 0; i < 10; i++) {
      await calls(4 * 4, oneFails);
      await calls(4, notFound);
    }
    assert.equal(bad.availability, "usable");
    close();
  });

  test("one call decides whether the ejection is over; it waits for nobody, and nobody is sent beside it", async () => {
    const { bad, pool, calls, oneFails, events, served, clock, close } = await poolOf();
    await calls(20, oneFails);
    await clock.advance(30_000);
    assert.equal(bad.availability, "usable");
    assert.deepEqual(events.ofType("backend-probing"), [{ type: "backend-probing", address: bad.id }]);
    const open = Array.from({ length: 12 }, () => new EndedCall(pool).start());
    const probes = open.filter(({ backend }) => backend === bad.id);
    assert.equal(probes.length, 1);
    for (const one of open) if (one.backend !== bad.id) one.end(() => undefined);
    assert.equal(bad.hasRoom, false);
    probes[0]?.end(() => undefined);
    await settle();
    assert.equal(bad.hasRoom, true);
    assert.deepEqual(events.ofType("backend-returned"), [
      { type: "backend-returned", address: bad.id, ejectedMs: 30_000 },
    ]);
    assert.ok(served().includes(bad.id));
    close();
    assert.equal(clock.pending, 0);
  });

  test("a probe that fails ejects for longer each time, up to 300 s", async () => {
    const { bad, calls, oneFails, events, clock, close } = await poolOf();
    await calls(20, oneFails);
    for (let ejections = 1; ejections < 12; ejections++) {
      const ejectionMs = Math.min(ejections * 30_000, 300_000);
      const { ejections: counted, ejectionMs: lasts } = events.ofType("backend-ejected").at(-1) ?? {};
      assert.deepEqual([counted, lasts], [ejections, ejectionMs]);
      await clock.advance(ejectionMs - 1);
      assert.equal(bad.availability, "ejected");
      await clock.advance(1);
      await calls(4, oneFails);
      assert.equal(bad.availability, "ejected");
    }
    assert.equal(events.ofType("backend-ejected").at(-1)?.reason, "probe-failed");
    close();
  });

  test("what it was ejected for is forgiven, one ejection for each 10 s that it works", async () => {
    const { bad, calls, oneFails, events, clock, close } = await poolOf();
    const works: Outcome = () => undefined;
    const eject = async () => {
      await calls(20, oneFails);
      const { ejections } = events.ofType("backend-ejected").at(-1) ?? {};
      await clock.advance(300_000);
      await calls(4, works);
      assert.equal(bad.availability, "usable");
      return ejections;
    };
    assert.equal(await eject(), 1);
    assert.equal(await eject(), 2);
    assert.equal(await eject(), 3);
    await clock.advance(20_000);
    assert.equal(await eject(), 2);
    close();
  });

  test("a probe that stays open, as a stream does, keeps nobody out: another is let through each second", async () => {
    const { bad, pool, calls, oneFails, clock, close } = await poolOf();
    await calls(20, oneFails);
    await clock.advance(30_000);
    const probesOf = () =>
      Array.from({ length: 8 }, () => new EndedCall(pool).start()).filter(({ backend }) => backend === bad.id).length;
    assert.equal(probesOf(), 1);
    await clock.advance(999);
    assert.equal(probesOf(), 0);
    await clock.advance(1);
    assert.equal(probesOf(), 1);
    close();
  });

  test("a probe keeps nobody waiting when all other backends leave meanwhile", async () => {
    const { bad, pool, calls, oneFails, resolver, clock, close } = await poolOf();
    await calls(20, oneFails);
    await clock.advance(30_000);
    const open = Array.from({ length: 4 }, () => new EndedCall(pool).start());
    assert.equal(open.filter(({ backend }) => backend === bad.id).length, 1);
    assert.equal(bad.hasRoom, false);
    resolver.report("10.0.0.0");
    await settle();
    const later = Array.from({ length: 3 }, () => new EndedCall(pool).start());
    assert.deepEqual(
      later.map(({ backend }) => backend),
      [bad.id, bad.id, bad.id],
    );
    close();
    assert.equal(clock.pending, 0);
  });

  test("calls that wait for a stream slot are served when the probe has shown that the backend works", async () => {
    const { bad, pool, calls, oneFails, connector, clock, close } = await poolOf();
    await calls(20, oneFails);
    await clock.advance(30_000);
    for (const connection of connector.open) if (connection.address !== bad.id) connection.allow(1);
    const open = Array.from({ length: 6 }, () => new EndedCall(pool).start());
    assert.equal(open.filter(({ waits }) => waits).length, 2);
    open.find(({ backend }) => backend === bad.id)?.end(() => undefined);
    await settle();
    assert.equal(open.filter(({ waits }) => waits).length, 0);
    close();
  });
});

describe("what ejects nobody", () => {
  const remains = async (setting: Setting, run: (all: Awaited<ReturnType<typeof poolOf>>) => Promise<void>) => {
    const all = await poolOf(setting);
    await run(all);
    assert.deepEqual(all.events.ofType("backend-ejected"), []);
    all.close();
  };

  test("a status that all backends give", () => remains({}, ({ calls }) => calls(200, () => status(Code.Internal))));

  test("a method that fails everywhere, though its calls all happen to meet one backend", () =>
    remains({}, async ({ calls, bad }) => {
      const broken = { ...pickInfo.method, name: "Broken" };
      for (let i = 0; i < 50; i++) {
        await calls(1, () => status(Code.Internal), broken);
        await calls(3, () => undefined);
      }
      assert.ok(bad.record.faults === 0 || bad.record.faults === 50);
    }));

  test("a pool of one or two", async () => {
    await remains({ size: 1 }, ({ calls, oneFails }) => calls(50, oneFails));
    await remains({ size: 2 }, ({ calls, oneFails }) => calls(50, oneFails));
  });

  test("few calls: nothing is known of the others", () =>
    remains({ size: 10 }, async ({ pool, bad, call, oneFails }) => {
      // Only this one is called.
      for (let i = 0; i < 6; i++)
        bad.connections[0]?.noteEnd(unavailable, { method: pickInfo.method, deadlineMs: never });
      for (let i = 0; i < 3; i++) call(oneFails);
      assert.equal(pool.subchannels.length, 10);
    }));

  test("our own cancellations, limits and closing, and a server that ends its connection in good order", () =>
    remains({}, async ({ calls, bad }) => {
      const kinds = [
        "canceled",
        "closed",
        "message-size",
        "drain-timeout",
        "idle",
        "invalid-request",
        "encoding",
      ] as const;
      for (const kind of kinds)
        await calls(24, (address) => (address === bad.id ? { ...unavailable, kind } : undefined));
      const refused: Failure = { ...unavailable, kind: "goaway", inGoodOrder: true };
      await calls(24, (address) => (address === bad.id ? refused : undefined));
      const reset: Failure = { ...status(Code.Canceled), kind: "stream-reset" };
      await calls(24, (address) => (address === bad.id ? reset : undefined));
      const longHeaders: Failure = { ...status(Code.ResourceExhausted), kind: "protocol" };
      await calls(24, (address) => (address === bad.id ? longHeaders : undefined));
    }));

  test("deadlines that our own event loop was late to notice", () =>
    remains({}, async ({ pool, bad, clock }) => {
      const late: Failure = { ...status(Code.DeadlineExceeded), kind: "deadline" };
      for (let i = 0; i < 100; i++) {
        const one = new EndedCall(pool).start();
        one.end((address) => (address === bad.id ? late : undefined), pickInfo.method, clock.now() - 101);
      }
    }));

  test("the deadlines of all calls that were open when a connection fell silent", () =>
    remains({}, async ({ bad, calls, oneFails, clock }) => {
      await calls(8, (address) => oneFails(address, pickInfo.method) && undefined);
      const live = bad.connections[0];
      const missed: Failure = { ...status(Code.DeadlineExceeded), kind: "deadline" };
      for (let i = 0; i < 50; i++) {
        live?.suspect();
        live?.noteEnd(missed, { method: pickInfo.method, deadlineMs: clock.now() });
      }
      assert.deepEqual([bad.availability, bad.record.faultsInARow], ["suspect", 1]);
    }));

  test("one connection that was lost, however many calls were open on it", () =>
    remains({}, async ({ pool, bad, calls, oneFails }) => {
      await calls(8, (address) => oneFails(address, pickInfo.method) && undefined);
      const live = bad.connections[0];
      const lost: Failure = { ...unavailable, kind: "connection-lost" };
      for (let i = 0; i < 50; i++) live?.noteEnd(lost, { method: pickInfo.method, deadlineMs: never });
      assert.equal(bad.record.faultsInARow, 1);
      assert.equal(pool.readyCount, 4);
    }));
});

describe("what ejects", () => {
  const codes = [
    Code.Unavailable,
    Code.Internal,
    Code.Unknown,
    Code.DataLoss,
    Code.ResourceExhausted,
    Code.DeadlineExceeded,
  ];
  for (const code of codes) {
    test(`the status ${Code[code]}`, async () => {
      const { bad, calls, close } = await poolOf();
      await calls(20, (address) => (address === bad.id ? status(code) : undefined));
      assert.equal(bad.availability, "ejected");
      close();
    });
  }

  test("connections that are lost again and again, before any call is answered", async () => {
    const { pool, bad, clock, events, close } = await poolOf();
    for (let i = 0; i < 40 && bad.availability === "usable"; i++) {
      const one = new EndedCall(pool).start();
      if (one.backend !== bad.id) {
        one.end(() => undefined);
        continue;
      }
      one.end(() => ({ ...unavailable, kind: "connection-lost" }));
      (one.stream as FakeStream).connection.lose();
      for (let others = 0; others < 6; others++) new EndedCall(pool).start().end(() => undefined);
      await clock.advance(10_000);
      await settle();
    }
    assert.equal(bad.availability, "ejected");
    assert.equal(events.ofType("backend-ejected").length, 1);
    close();
  });

  test("deadlines that were missed while others kept theirs", async () => {
    const { pool, bad, clock, close } = await poolOf();
    const missed: Failure = { ...status(Code.DeadlineExceeded), kind: "deadline" };
    for (let i = 0; i < 20; i++) {
      const one = new EndedCall(pool).start();
      one.end((address) => (address === bad.id ? missed : undefined), pickInfo.method, clock.now() - 100);
      await settle();
    }
    assert.equal(bad.availability, "ejected");
    close();
  });

  test("a run is longer where others fail too: where half of all calls do, five are no exception and twenty are", async () => {
    const { pool, bad, close } = await poolOf();
    let count = 0;
    const until = () => {
      for (let calls = 0; bad.availability === "usable" && calls < 400; calls++) {
        new EndedCall(pool).start().end((address) => {
          if (address === bad.id) return unavailable;
          return count++ % 2 === 0 ? unavailable : undefined;
        });
      }
    };
    until();
    assert.equal(bad.availability, "ejected");
    assert.ok(bad.record.faults >= 19 && bad.record.faults <= 24, `${bad.record.faults} in a row`);
    close();
  });
});

describe("how many are ejected", () => {
  /** As many of the first as can be. */
  const ejectedOf = async (setting: Setting, failing: number) => {
    const { pool, calls, close } = await poolOf(setting);
    const bad = new Set(pool.subchannels.slice(0, failing).map(({ id }) => id));
    await calls(pool.subchannels.length * 40, (address) => (bad.has(address) ? unavailable : undefined));
    const ejected = pool.subchannels.filter(({ availability }) => availability === "ejected").length;
    close();
    return ejected;
  };

  test("one where there are three or more, and at most a tenth", async () => {
    assert.equal(await ejectedOf({ size: 3 }, 1), 1);
    assert.equal(await ejectedOf({ size: 19 }, 2), 1);
    assert.equal(await ejectedOf({ size: 20 }, 3), 2);
  });

  test("as maxEjectionPercent says, and never so many that there would be panic", async () => {
    assert.equal(await ejectedOf({ size: 10, outlierDetection: { maxEjectionPercent: 0 } }, 1), 0);
    assert.equal(await ejectedOf({ size: 10, outlierDetection: { maxEjectionPercent: 30 } }, 4), 3);
    assert.equal(
      await ejectedOf({ size: 4, panicThreshold: 0.8, outlierDetection: { maxEjectionPercent: 100 } }, 1),
      0,
    );
    assert.equal(
      await ejectedOf({ size: 4, panicThreshold: 0.75, outlierDetection: { maxEjectionPercent: 100 } }, 1),
      1,
    );
  });
});

test("a connection that is replaced leaves the ejection as it is", async () => {
  const { bad, calls, oneFails, close } = await poolOf();
  await calls(20, oneFails);
  const connection = bad.connections[0]?.connection as FakeConnection | undefined;
  connection?.lose();
  await settle();
  assert.equal(bad.availability, "ejected");
  close();
});
