import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { parseTarget } from "../../../../src/endpoint/target.ts";
import type { Stream } from "../../../../src/http2/connection.ts";
import { DialError } from "../../../../src/http2/connection.ts";
import { dial } from "../../../../src/http2/dial/dial.ts";
import { TlsSessions } from "../../../../src/http2/dial/tls-sessions.ts";
import { UnreadMemory } from "../../../../src/http2/unread-memory.ts";
import { HuffmanDecoder } from "../../../../src/http2/wire/hpack/huffman.ts";
import { WireConnection } from "../../../../src/http2/wire/wire-connection.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { systemHold } from "../../../../src/runtime/process-hold.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { settle } from "../../../support/manual-clock.ts";
import { constantRandom } from "../../../support/random.ts";
import {
  connectTo,
  defaultLimits,
  emptyMessage,
  head,
  RecordingListener,
  RecordingOwner,
  testEnd,
  until,
  wireEngine,
} from "./engine.ts";
import {
  block,
  dataFrame,
  endHeaders,
  endStream,
  frame,
  frameTypes,
  goawayFrame,
  headersFrame,
  okHead,
  okTrailers,
  paddedDataFrame,
  RawPeer,
  response,
  settingsFrame,
} from "./raw-peer.ts";
import { withScene } from "./wire-peer.ts";

checkForLeaks();

const eight = Buffer.alloc(8);

/** A call on a scene's connection that its test can pause. */
function third(connection: { request: typeof WireConnection.prototype.request }): [RecordingListener, Stream] {
  const listener = new RecordingListener();
  const stream = connection.request(head, [], emptyMessage, listener);
  assert.ok(stream !== undefined);
  return [listener, stream];
}

describe("a dial of the wire engine", () => {
  const refusals: Record<string, [bytes: Buffer, message: RegExp]> = {
    "an HTTP/1.1 server": [Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"), /not HTTP\/2.*"HTTP\/1.1 400 Bad Request"/],
    "a peer that begins with another frame": [
      frame(frameTypes.ping, 0, 0, eight),
      /began with PING instead of SETTINGS/,
    ],
    "a peer that begins with a SETTINGS ACK": [
      frame(frameTypes.settings, 1, 0),
      /began with an acknowledgement of ours instead of SETTINGS/,
    ],
    "an HTTP/1.1 server that writes to the terminal": [
      Buffer.from("HTTP/1.1 200\nERROR forged \x1b[31m\r\n\r\n"),
      /it answered "HTTP\/1\.1 200\\nERROR forged \\x1b\[31m"/,
    ],
    "a peer that sends noise": [Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"), /not HTTP\/2/],
    "bad settings": [settingsFrame([5, 1]), /MAX_FRAME_SIZE 1/],
  };
  for (const [who, [bytes, message]] of Object.entries(refusals)) {
    it(`refuses ${who}, and says why`, async () => {
      const peer = await RawPeer.start();
      const owner = new RecordingOwner();
      try {
        peer.accept().then((connection) => connection.send(bytes));
        await assert.rejects(connectTo(wireEngine, peer.port, owner), (error: unknown) => {
          assert.ok(error instanceof DialError);
          assert.match(error.failure.message, message);
          assert.equal(error.failure.code, Code.Unavailable);
          assert.equal(error.failure.progress, "unsent");
          return true;
        });
        assert.deepEqual(owner.events, []);
      } finally {
        await peer.close();
      }
    });
  }

  it("fails when the peer closes at any byte of its SETTINGS", async () => {
    const peer = await RawPeer.start();
    const bytes = settingsFrame([3, 100]);
    try {
      for (let length = 0; length < bytes.length; length += 4) {
        peer.accept().then((connection) => {
          connection.socket.end(bytes.subarray(0, length));
        });
        await assert.rejects(connectTo(wireEngine, peer.port), DialError);
      }
    } finally {
      await peer.close();
    }
  });

  it("takes SETTINGS that are cut before bytes which at the beginning would be an alert of TLS", async () => {
    const [first, rest] = [settingsFrame([3, 0x1503]).subarray(0, 13), Buffer.from([0x15, 0x03])];
    const socket = new PassThrough();
    socket.write = () => true;
    const createConnection = () => {
      // Each is one chunk, after the one before was read.
      setImmediate(() => socket.push(first));
      socket.once("data", () => setImmediate(() => socket.push(rest)));
      return socket as unknown as Socket;
    };
    const owner = new RecordingOwner();
    const connection = await connectTo(wireEngine, 1, owner, {}, { createConnection });
    assert.equal(connection.maxConcurrentStreams, 0x1503);
    connection.close(testEnd);
    await owner.closed;
  });

  it("is not over before the peer's SETTINGS", async () => {
    const peer = await RawPeer.start();
    const owner = new RecordingOwner();
    try {
      let connected = false;
      const connecting = connectTo(wireEngine, peer.port, owner).then((connection) => {
        connected = true;
        return connection;
      });
      const raw = await peer.accept();
      await raw.frame(frameTypes.settings);
      await settle();
      assert.equal(connected, false);
      raw.send(settingsFrame());
      const connection = await connecting;
      connection.close(testEnd);
      await owner.closed;
    } finally {
      await peer.close();
    }
  });
});

describe("a connection of the wire engine", () => {
  it("says unsent of a request that had not left, and does not send it any more", async () => {
    await withScene(async ({ peer, connection, first }) => {
      const [listener] = third(connection);
      connection.close(testEnd);
      assert.equal((await listener.closed)?.progress, "unsent");
      assert.equal((await first.closed)?.progress, "unknown");
      await peer.ended;
      assert.ok(peer.frames.every(({ streamId }) => streamId < 5));
      const goaway = await peer.frame(frameTypes.goaway);
      assert.deepEqual([goaway.payload.readUInt32BE(0), goaway.payload.readUInt32BE(4)], [0, 0]);
    });
  });

  it("takes no more streams than the peer allows, even if asked", async () => {
    await withScene(async ({ peer, connection }) => {
      peer.send(settingsFrame([3, 2]));
      await until(() => !connection.hasRoom, "the limit");
      const listener = new RecordingListener();
      assert.equal(connection.request(head, [], emptyMessage, listener), undefined);
      await settle();
      assert.deepEqual(listener.events, []);
    });
  });

  it("resets what is left of a request that was answered before it was read", async () => {
    await withScene(async ({ peer, connection }) => {
      const listener = new RecordingListener();
      connection.request(head, [], Buffer.alloc(1_000_000), listener);
      await peer.frame(frameTypes.headers, 5);
      peer.send(response(5));
      assert.equal(await listener.closed, undefined);
      const { payload } = await peer.frame(frameTypes.rstStream, 5);
      assert.equal(payload.readUInt32BE(0), 8);
    });
  });

  it("holds data while a stream is paused, and delivers it in order afterwards", async () => {
    await withScene(async ({ peer, connection, first }) => {
      const [listener, stream] = third(connection);
      stream.pause();
      await peer.frame(frameTypes.headers, 5);
      peer.send(headersFrame(5, okHead), dataFrame(5, Buffer.from("one")), dataFrame(5, Buffer.from("two")));
      peer.send(response(1));
      assert.equal(await first.closed, undefined);
      assert.deepEqual(listener.events, ["headers"]);
      stream.resume();
      assert.deepEqual(listener.events, ["headers"]);
      await settle();
      assert.equal(listener.body.toString(), "onetwo");
      peer.send(headersFrame(5, okTrailers, endHeaders | endStream));
      assert.equal(await listener.closed, undefined);
      assert.deepEqual(listener.events, ["headers", "data", "data", "trailers", "closed"]);
    });
  });

  it("calls a stream that is reset with NO_ERROR before it ended one without a status", async () => {
    await withScene(async ({ peer, first, second }) => {
      peer.send(frame(frameTypes.rstStream, 0, 1, Buffer.alloc(4)), response(3));
      const failure = await first.closed;
      assert.equal(failure?.code, Code.Internal);
      assert.match(failure?.message ?? "", /without a status/);
      assert.equal(await second.closed, undefined);
    });
  });

  it("gives credit back by quarters, padding included, and for the connection even if a stream is paused", async () => {
    const limits = { initialWindowBytes: 100_000, connectionWindowBytes: 200_000 };
    await withScene(async ({ peer, connection }) => {
      const [, stream] = third(connection);
      const credit = (id: number) =>
        peer.frames
          .filter(({ type, streamId }) => type === frameTypes.windowUpdate && streamId === id)
          .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
      await until(() => credit(0) === 200_000 - 65_535, "the connection's full window");
      await peer.frame(frameTypes.headers, 5);
      const padding = 255;
      peer.send(headersFrame(1, okHead));
      for (let i = 0; i < 400; i++) peer.send(paddedDataFrame(1, Buffer.alloc(5), padding));
      await until(() => credit(1) >= 100_000, "the stream's credit");
      stream.pause();
      peer.send(headersFrame(5, okHead));
      const before = credit(0);
      for (let i = 0; i < 6; i++) peer.send(dataFrame(5, Buffer.alloc(16_000)));
      await until(() => credit(0) >= before + 50_000, "the connection's credit");
      assert.equal(credit(5), 0);
      // One frame more than the stream's window takes.
      peer.send(dataFrame(5, Buffer.alloc(16_000)));
      const reset = await peer.frame(frameTypes.rstStream, 5);
      assert.equal(reset.payload.readUInt32BE(0), 3);
    }, limits);
  });

  it("answers a PING before the data that waits in the same batch", async () => {
    await withScene(async ({ peer, connection, first }) => {
      // Both are written in the tick in which the PING and the response arrive together.
      first.on = (event) => {
        if (event === "headers") connection.request(head, [], emptyMessage, new RecordingListener());
      };
      peer.send(headersFrame(1, okHead), frame(frameTypes.ping, 0, 0, eight));
      await peer.frame(frameTypes.headers, 5);
      const types = peer.frames.map(({ type, flags, streamId }) => [type, flags, streamId].join());
      assert.ok(types.indexOf("6,1,0") < types.indexOf("1,4,5"));
    });
  });

  it("ignores a PING answer that it did not ask for", async () => {
    await withScene(async ({ peer, connection, first }) => {
      connection.ping(() => assert.fail("the payload is another"));
      peer.send(frame(frameTypes.ping, 1, 0, Buffer.from("whatever")), response(1));
      assert.equal(await first.closed, undefined);
      assert.equal(peer.frames.filter(({ type, flags }) => type === frameTypes.ping && flags === 1).length, 0);
    });
  });

  it("never lets a second GOAWAY take more in than the first", async () => {
    await withScene(async ({ peer, owner, first, second }) => {
      peer.send(goawayFrame(1, 0), goawayFrame(2 ** 31 - 1, 0), response(1));
      assert.equal((await second.closed)?.progress, "refused");
      assert.equal(await first.closed, undefined);
      await owner.closed;
      assert.equal(owner.events.filter((event) => event === "draining").length, 1);
    });
  });

  it("says who ended the connection when resets follow a GOAWAY with an error", async () => {
    await withScene(async ({ peer, first }) => {
      peer.send(goawayFrame(3, 11, "too_many_pings"), frame(frameTypes.rstStream, 0, 1, Buffer.from([0, 0, 0, 8])));
      const failure = await first.closed;
      assert.equal(failure?.kind, "goaway");
      assert.equal(failure?.code, Code.Unavailable);
      assert.match(failure?.message ?? "", /too_many_pings/);
    });
  });

  it("decodes headers of streams that are gone, so that the table stays the peer's", async () => {
    await withScene(async ({ peer, connection, first }) => {
      const [, stream] = third(connection);
      await peer.frame(frameTypes.headers, 5);
      stream.reset(8);
      await peer.frame(frameTypes.rstStream, 5);
      const indexing = Buffer.concat([okHead, Buffer.from([0x40]), block("x-a", "1").subarray(1)]);
      peer.send(headersFrame(5, indexing));
      peer.send(headersFrame(1, Buffer.concat([okHead, Buffer.from([0xbe])]), endHeaders | endStream));
      assert.equal(await first.closed, undefined);
      assert.deepEqual(first.headers.slice(-2), ["x-a", "1"]);
    });
  });

  it("tells the same bytes apart once the table has changed", async () => {
    await withScene(async ({ peer, first, second }) => {
      const add = (value: string) => Buffer.concat([Buffer.from([0x40]), block("x-a", value).subarray(1)]);
      peer.send(headersFrame(1, Buffer.concat([okHead, add("1")])));
      peer.send(headersFrame(1, Buffer.from([0xbe]), endHeaders | endStream));
      peer.send(headersFrame(3, Buffer.concat([okHead, add("2")])));
      peer.send(headersFrame(3, Buffer.from([0xbe]), endHeaders | endStream));
      assert.equal(await first.closed, undefined);
      assert.equal(await second.closed, undefined);
      assert.deepEqual(
        [first.trailers, second.trailers],
        [
          ["x-a", "1"],
          ["x-a", "2"],
        ],
      );
    });
  });

  it("ends half a second after a peer that does not take its GOAWAY", async () => {
    await withScene(async ({ peer, connection, owner }) => {
      peer.socket.pause();
      connection.drain();
      connection.close(testEnd);
      await owner.closed;
      peer.socket.resume();
      await peer.ended;
    });
  });

  it("retires before its stream ids run out, and finishes what is open", async () => {
    const raw = await RawPeer.start();
    const owner = new RecordingOwner();
    const hold = systemHold();
    hold.acquire();
    try {
      const target = parseTarget(`http://127.0.0.1:${raw.port}`);
      const clock = systemClock();
      const options = {
        ...{ scheme: "http" as const, authority: target.authority, limits: defaultLimits, clock },
        ...{ huffman: new HuffmanDecoder(), unread: new UnreadMemory(clock), maxStreams: 3 },
      };
      const runtime = { clock, random: constantRandom(), hold };
      const dialling = dial(
        {
          target,
          connectTimeoutMs: 5_000,
          tls: {},
          tlsSessions: new TlsSessions(),
          history: { everConnected: false, dials: new Set() },
          runtime,
        },
        { host: "127.0.0.1", port: raw.port },
        new AbortController().signal,
        (handshake) => new WireConnection(handshake, options, owner),
      );
      const peer = await raw.accept();
      await peer.handshake();
      const connection = await dialling;
      const listeners = [new RecordingListener(), new RecordingListener(), new RecordingListener()];
      for (const listener of listeners) {
        assert.ok(connection.request(head, [], emptyMessage, listener) !== undefined);
      }
      assert.ok(!owner.events.includes("draining"));
      assert.equal(connection.request(head, [], emptyMessage, new RecordingListener()), undefined);
      await peer.frame(frameTypes.headers, 5);
      assert.ok(owner.events.includes("draining"));
      assert.equal(owner.goaway, undefined);
      peer.send(response(1), response(3), headersFrame(5, okHead), headersFrame(5, okTrailers, endHeaders | endStream));
      for (const listener of listeners) assert.equal(await listener.closed, undefined);
      await owner.closed;
      assert.equal(owner.failure, undefined);
    } finally {
      hold.release();
      hold.close();
      await raw.close();
    }
  });
});
