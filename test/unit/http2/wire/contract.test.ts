import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import type { Connection, HeaderFields, Stream } from "../../../../src/http2/connection.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { settle } from "../../../support/manual-clock.ts";
import {
  connectTo,
  type Engine,
  emptyMessage,
  engines,
  head,
  RecordingListener,
  RecordingOwner,
  testEnd,
  until,
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
  type RawConnection,
  RawPeer,
  response,
  rstFrame,
  settingsFrame,
  windowUpdateFrame,
} from "./raw-peer.ts";

checkForLeaks();

interface RealServer {
  readonly port: number;
  readonly sessions: Set<ServerHttp2Session>;
}

/** Runs `test` against a node:http2 server: an implementation that shares nothing with the engine on sockets. */
async function withServer(
  handler: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void,
  test: (server: RealServer) => Promise<void>,
  settings: Settings = {},
): Promise<void> {
  const server: Http2Server = createServer({ settings: { initialWindowSize: 100_000, ...settings } });
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    handler(stream, headers);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await test({ port: (server.address() as AddressInfo).port, sessions });
  } finally {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Answers with what came, once all of it came. */
function echo(stream: ServerHttp2Stream): void {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    if (stream.closed) return;
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => {
      if (!stream.closed) stream.sendTrailers({ "grpc-status": "0" });
    });
    stream.end(Buffer.concat(chunks));
  });
}

/** Runs `test` with a connection to a peer that says what the test tells it to. */
async function withPeer(
  engine: Engine,
  test: (peer: RawConnection, connection: Connection, owner: RecordingOwner) => Promise<void>,
  settings: readonly number[] = [],
): Promise<void> {
  const peer = await RawPeer.start();
  const owner = new RecordingOwner();
  try {
    const accepted = peer.accept().then(async (raw) => {
      await raw.handshake(settings);
      return raw;
    });
    const connection = await connectTo(engine, peer.port, owner);
    try {
      await test(await accepted, connection, owner);
    } finally {
      connection.close(testEnd);
      await owner.closed;
    }
  } finally {
    await peer.close();
  }
}

function start(
  connection: Connection,
  body: Uint8Array = emptyMessage,
  fields: HeaderFields = [],
): { listener: RecordingListener; stream: Stream } {
  const listener = new RecordingListener();
  const stream = connection.request(head, fields, body, listener);
  assert.ok(stream !== undefined, "the connection takes a request");
  return { listener, stream };
}

/** A request whose body is still to come. */
function open(connection: Connection): { listener: RecordingListener; stream: Stream } {
  const listener = new RecordingListener();
  const stream = connection.request(head, [], undefined, listener);
  assert.ok(stream !== undefined, "the connection takes a request");
  return { listener, stream };
}

const maxConcurrentStreams = 3;
const maxHeaderListSize = 6;
const initialWindowSize = 4;
const maxFrameSize = 5;

for (const engine of engines) {
  describe(`the ${engine.name} engine`, () => {
    it("makes a call: headers, data, trailers, closed", async () => {
      await withServer(echo, async ({ port }) => {
        const owner = new RecordingOwner();
        const connection = await connectTo(engine, port, owner);
        const { listener } = start(connection, Buffer.from("a request"));
        assert.equal(connection.openStreams, 1);
        assert.equal(await listener.closed, undefined);
        assert.deepEqual(listener.events, ["headers", "data", "trailers", "closed"]);
        assert.equal(listener.status, 200);
        assert.equal(listener.body.toString(), "a request");
        const at = listener.trailers.indexOf("grpc-status");
        assert.equal(listener.trailers[at + 1], "0");
        await until(() => connection.openStreams === 0, "the stream's end");
        assert.ok(connection.bytesRead > 0);
        connection.close(testEnd);
        await owner.closed;
        assert.equal(owner.failure?.kind, "closed");
      });
    });

    it("makes 500 calls at once and one after another, each with its own answer", async () => {
      await withServer(echo, async ({ port }) => {
        const owner = new RecordingOwner();
        const connection = await connectTo(engine, port, owner);
        const call = async (i: number) => {
          const { listener } = start(connection, Buffer.from(`request ${i}`), ["x-number", String(i)]);
          assert.equal(await listener.closed, undefined);
          assert.equal(listener.body.toString(), `request ${i}`);
        };
        await until(() => connection.maxConcurrentStreams > 50, "the server's limit");
        for (let i = 0; i < 500; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => call(i + j)));
        connection.close(testEnd);
        await owner.closed;
      });
    });

    it("carries headers in both directions unchanged, Latin-1 and repeated response fields included", async () => {
      const sent = ["x-first", "1, 2", "x-latin", "caf\xe9", "x-long", "v".repeat(5_000), "x-empty", ""];
      let seen: Record<string, unknown> = {};
      await withServer(
        (stream, headers) => {
          seen = headers;
          stream.respond(
            { ":status": 200, "x-one": ["a", "b"], "x-text": "Some Text, with: punctuation~", "x-empty": "" },
            { waitForTrailers: true },
          );
          stream.on("wantTrailers", () => {
            if (!stream.closed) stream.sendTrailers({ "x-trailer": "t".repeat(3_000) });
          });
          stream.end();
        },
        async ({ port }) => {
          const owner = new RecordingOwner();
          const connection = await connectTo(engine, port, owner);
          for (let round = 0; round < 3; round++) {
            const { listener } = start(connection, emptyMessage, sent);
            assert.equal(await listener.closed, undefined);
            assert.equal(seen[":path"], head.path);
            assert.equal(seen[":authority"], `127.0.0.1:${port}`);
            assert.equal(seen["user-agent"], "glink/test");
            assert.equal(seen["x-first"], "1, 2");
            assert.equal(seen["x-latin"], "caf\xe9");
            assert.equal(seen["x-long"], "v".repeat(5_000));
            assert.equal(seen["x-empty"], "");
            const { headers } = listener;
            assert.deepEqual(headers.slice(0, 8), [
              ...[":status", "200", "x-one", "a", "x-one", "b"],
              ...["x-text", "Some Text, with: punctuation~"],
            ]);
            assert.deepEqual(listener.trailers, ["x-trailer", "t".repeat(3_000)]);
          }
          connection.close(testEnd);
          await owner.closed;
        },
      );
    });

    it("is understood by a server that keeps no header table, call after call", async () => {
      const paths: unknown[] = [];
      const handler = (stream: ServerHttp2Stream, headers: Record<string, unknown>) => {
        paths.push(headers[":path"]);
        echo(stream);
      };
      const test = async ({ port }: RealServer) => {
        const owner = new RecordingOwner();
        const connection = await connectTo(engine, port, owner);
        for (let i = 0; i < 3; i++) assert.equal(await start(connection).listener.closed, undefined);
        assert.deepEqual(paths, [head.path, head.path, head.path]);
        connection.close(testEnd);
        await owner.closed;
      };
      await withServer(handler, test, { headerTableSize: 0 });
    });

    it("sends and receives more than every window, in order", async () => {
      const body = Buffer.alloc(3_000_000);
      for (let i = 0; i < body.length; i += 4) body.writeUInt32BE(i, i);
      await withServer(echo, async ({ port }) => {
        const owner = new RecordingOwner();
        const connection = await connectTo(engine, port, owner, {
          initialWindowBytes: 65_535,
          connectionWindowBytes: 100_000,
        });
        const whole = start(connection, body).listener;
        const { listener, stream } = open(connection);
        if (!(connection.maxConcurrentStreams > 1)) assert.fail("the server takes two streams");
        for (let at = 0; at < body.length; ) {
          const room = stream.write(body.subarray(at, at + 40_000));
          at += 40_000;
          if (!room) await new Promise<void>((resolve) => (listener.on = (event) => event === "writable" && resolve()));
        }
        stream.end();
        assert.equal(await whole.closed, undefined);
        assert.ok(whole.body.equals(body));
        assert.equal(await listener.closed, undefined);
        assert.ok(listener.body.equals(body));
        connection.close(testEnd);
        await owner.closed;
      });
    });

    it("tells of a response without a body by headers that end the stream", async () => {
      await withPeer(engine, async (peer, connection) => {
        const { listener } = start(connection);
        await peer.frame(frameTypes.headers);
        peer.send(headersFrame(1, block(":status", "200", "grpc-status", "0"), endHeaders | endStream));
        assert.equal(await listener.closed, undefined);
        assert.deepEqual(listener.events, ["headers+end", "closed"]);
      });
    });

    it("skips interim responses", async () => {
      await withPeer(engine, async (peer, connection) => {
        const { listener } = start(connection);
        await peer.frame(frameTypes.headers);
        const early = headersFrame(1, block(":status", "103", "link", "</x>"));
        peer.send(headersFrame(1, block(":status", "100")), early, response(1));
        assert.equal(await listener.closed, undefined);
        assert.equal(listener.status, 200);
        assert.equal(listener.events[0], "headers");
        assert.equal(listener.events.filter((event) => event === "headers").length, 1);
      });
    });

    it("calls nobody back from inside request, write, end and reset", async () => {
      await withServer(echo, async ({ port }) => {
        const owner = new RecordingOwner();
        const connection = await connectTo(engine, port, owner);
        owner.events.length = 0;
        const { listener, stream } = open(connection);
        stream.write(Buffer.alloc(200_000));
        stream.write(Buffer.alloc(200_000));
        stream.end();
        const other = start(connection);
        other.stream.reset(8);
        assert.deepEqual([...listener.events, ...other.listener.events, ...owner.events], []);
        assert.equal(await listener.closed, undefined);
        connection.close(testEnd);
        await owner.closed;
      });
    });

    it("tells a listener nothing after its reset, and the peer the code", async () => {
      await withPeer(engine, async (peer, connection, owner) => {
        const { listener, stream } = open(connection);
        await peer.frame(frameTypes.headers);
        stream.reset(8);
        stream.reset(8);
        stream.write(Buffer.from("too late"));
        stream.end();
        const { payload } = await peer.frame(frameTypes.rstStream, 1);
        assert.equal(payload.readUInt32BE(0), 8);
        // What was under way when the stream was cancelled is ignored, and the connection lives.
        peer.send(response(1), windowUpdateFrame(1, 100), rstFrame(1, 8));
        const second = start(connection);
        await peer.frame(frameTypes.headers, 3);
        peer.send(response(3));
        assert.equal(await second.listener.closed, undefined);
        assert.deepEqual(listener.events, []);
        assert.ok(owner.events.includes("capacity"));
        assert.equal(peer.frames.filter(({ type }) => type === frameTypes.rstStream).length, 1);
      });
    });

    it("lets a listener reset its stream from within any callback, which is the last then", async () => {
      for (const event of ["headers", "data", "trailers"]) {
        await withServer(echo, async ({ port }) => {
          const owner = new RecordingOwner();
          const connection = await connectTo(engine, port, owner);
          const { listener, stream } = start(connection, Buffer.from("a request"));
          const reached = new Promise<void>((resolve) => {
            listener.on = (told) => {
              if (told !== event) return;
              stream.reset(8);
              resolve();
            };
          });
          await reached;
          const other = start(connection);
          assert.equal(await other.listener.closed, undefined);
          assert.equal(listener.events.at(-1), event);
          connection.close(testEnd);
          await owner.closed;
        });
      }
    });

    for (const [code, name, progress] of [
      [2, Code.Internal, "unknown"],
      [7, Code.Unavailable, "refused"],
      [8, Code.Canceled, "unknown"],
      [11, Code.ResourceExhausted, "unknown"],
      [12, Code.PermissionDenied, "unknown"],
      [99, Code.Internal, "unknown"],
    ] as const) {
      it(`fails a stream that the peer resets with ${code} as ${Code[name]}, ${progress}`, async () => {
        await withPeer(engine, async (peer, connection) => {
          const { listener } = start(connection);
          const other = start(connection);
          await peer.frame(frameTypes.headers, 3);
          peer.send(rstFrame(1, code), response(3));
          const failure = await listener.closed;
          assert.equal(failure?.code, name);
          assert.equal(failure?.progress, progress);
          assert.equal(await other.listener.closed, undefined);
        });
      });
    }

    it("survives a graceful GOAWAY: calls below its id finish, those above are refused, and nothing new is taken", async () => {
      await withPeer(engine, async (peer, connection, owner) => {
        const first = start(connection);
        const second = start(connection);
        await peer.frame(frameTypes.headers, 3);
        peer.send(goawayFrame(1, 0, "bye"));
        const refused = await second.listener.closed;
        assert.equal(refused?.progress, "refused");
        assert.equal(refused?.code, Code.Unavailable);
        assert.match(refused?.message ?? "", /GOAWAY NO_ERROR.*bye/);
        assert.deepEqual(owner.goaway?.debug, "bye");
        assert.equal(connection.hasRoom, false);
        assert.equal(connection.request(head, [], emptyMessage, new RecordingListener()), undefined);
        peer.send(response(1));
        assert.equal(await first.listener.closed, undefined);
        await owner.closed;
        assert.equal(owner.events.filter((event) => event === "draining").length, 1);
        assert.equal(owner.failure, undefined);
      });
    });

    it("blames an error GOAWAY on nobody: not on the stream it names either", async () => {
      await withPeer(engine, async (peer, connection) => {
        const first = start(connection);
        const second = start(connection);
        const third = start(connection);
        await peer.frame(frameTypes.headers, 5);
        peer.send(goawayFrame(3, 2));
        peer.socket.end();
        for (const { listener } of [first, second]) {
          const failure = await listener.closed;
          assert.deepEqual([failure?.code, failure?.progress], [Code.Unavailable, "unknown"]);
        }
        const refused = await third.listener.closed;
        assert.deepEqual([refused?.code, refused?.progress], [Code.Unavailable, "refused"]);
      });
    });

    it("fails open calls as Unavailable when the connection is lost, and the owner hears it last", async () => {
      for (const cut of [
        (raw: RawConnection) => raw.socket.destroy(),
        (raw: RawConnection) => raw.socket.resetAndDestroy(),
      ]) {
        await withPeer(engine, async (peer, connection, owner) => {
          const { listener } = start(connection);
          listener.on = (event) => owner.events.push(`stream ${event}`);
          await peer.frame(frameTypes.headers, 1);
          cut(peer);
          const failure = await listener.closed;
          assert.equal(failure?.code, Code.Unavailable);
          assert.equal(failure?.kind, "connection-lost");
          assert.equal(failure?.progress, "unknown");
          await owner.closed;
          assert.equal(owner.events.at(-1), "closed");
          assert.ok(owner.events.includes("stream closed"));
          assert.equal(owner.failure?.kind, "connection-lost");
          assert.equal(connection.hasRoom, false);
          assert.equal(connection.openStreams, 0);
          assert.equal(connection.request(head, [], emptyMessage, new RecordingListener()), undefined);
          connection.ping(() => assert.fail("nobody answers"));
          connection.drain();
        });
      }
    });

    it("closes after the last stream once it drains", async () => {
      await withServer(echo, async ({ port }) => {
        const owner = new RecordingOwner();
        const connection = await connectTo(engine, port, owner);
        const { listener, stream } = open(connection);
        connection.drain();
        connection.drain();
        assert.equal(connection.hasRoom, false);
        assert.equal(connection.request(head, [], emptyMessage, new RecordingListener()), undefined);
        stream.end(Buffer.from("late"));
        assert.equal(await listener.closed, undefined);
        assert.equal(listener.body.toString(), "late");
        await owner.closed;
      });
    });

    it("cancels the last stream of a drained connection on the wire, before it ends it", async () => {
      await withPeer(engine, async (peer, connection, owner) => {
        const { stream } = start(connection);
        await peer.frame(frameTypes.headers, 1);
        connection.drain();
        stream.reset(8);
        await owner.closed;
        const reset = await peer.frame(frameTypes.rstStream, 1);
        assert.equal(reset.payload.readUInt32BE(0), 8);
      });
    });

    it("closes at once when it drains without a stream, but not from inside the call", async () => {
      await withServer(echo, async ({ port }) => {
        const owner = new RecordingOwner();
        const connection = await connectTo(engine, port, owner);
        connection.drain();
        assert.ok(!owner.events.includes("closed"));
        await owner.closed;
        assert.equal(owner.events.filter((event) => event === "closed").length, 1);
      });
    });

    it("fails open streams with what close() was given, once", async () => {
      await withPeer(engine, async (peer, connection, owner) => {
        const { listener, stream } = start(connection);
        await peer.frame(frameTypes.headers);
        connection.close(testEnd);
        connection.close({ ...testEnd, message: "another" });
        stream.reset(8);
        const other = new RecordingListener();
        assert.equal(connection.request(head, [], emptyMessage, other), undefined);
        await owner.closed;
        assert.deepEqual(other.events, []);
        assert.equal(listener.failure, undefined);
        assert.equal(owner.failure?.message, testEnd.message);
      });
      await withPeer(engine, async (peer, connection) => {
        const { listener } = start(connection);
        await peer.frame(frameTypes.headers);
        connection.close(testEnd);
        const failure = await listener.closed;
        assert.deepEqual([failure?.message, failure?.progress], [testEnd.message, "unknown"]);
      });
    });

    it("has room up to the peer's limit on streams, and follows it", async () => {
      await withPeer(
        engine,
        async (peer, connection, owner) => {
          assert.equal(connection.maxConcurrentStreams, 2);
          start(connection);
          assert.equal(connection.hasRoom, true);
          start(connection);
          assert.equal(connection.hasRoom, false);
          peer.send(settingsFrame([maxConcurrentStreams, 3]));
          await until(() => connection.hasRoom, "the third place");
          assert.ok(owner.events.includes("capacity"));
          peer.send(settingsFrame([maxConcurrentStreams, 1]));
          await until(() => !connection.hasRoom, "the lower limit");
          await peer.frame(frameTypes.headers, 3);
          peer.send(response(1), response(3));
          await until(() => connection.hasRoom, "the end of both streams");
        },
        [maxConcurrentStreams, 2],
      );
    });

    it("sends within the peer's windows, also when they become negative, and goes on when credit comes", async () => {
      await withPeer(
        engine,
        async (peer, connection) => {
          const received = () =>
            peer.frames
              .filter(({ type }) => type === frameTypes.data)
              .reduce((sum, { payload }) => sum + payload.length, 0);
          const { listener } = start(connection, Buffer.alloc(1_000));
          await until(() => received() === 100, "the initial window");
          peer.send(
            settingsFrame([initialWindowSize, 50]),
            windowUpdateFrame(1, 49),
            frame(frameTypes.ping, 0, 0, Buffer.alloc(8)),
          );
          await peer.matching(({ type, flags }) => type === frameTypes.ping && flags === 1);
          assert.equal(received(), 100);
          peer.send(windowUpdateFrame(1, 2));
          await until(() => received() === 101, "one byte of credit");
          peer.send(settingsFrame([initialWindowSize, 10_000]));
          await until(() => received() === 1_000, "the rest");
          peer.send(response(1));
          assert.equal(await listener.closed, undefined);
        },
        [initialWindowSize, 100],
      );
    });

    it("acknowledges settings before it makes use of them", async () => {
      await withPeer(engine, async (peer, connection) => {
        const body = Buffer.alloc(100_000);
        const { listener } = start(connection, body);
        const received = () =>
          peer.frames
            .filter(({ type }) => type === frameTypes.data)
            .reduce((sum, { payload }) => sum + payload.length, 0);
        await until(() => received() === 65_535, "the default window");
        // RFC 9113 §6.5.3: nghttp2 and h2 count by the new window only from the ACK on.
        const before = peer.frames.length;
        peer.send(windowUpdateFrame(0, 1_000_000), settingsFrame([initialWindowSize, 1_000_000]));
        await until(() => received() === body.length, "the rest");
        const acknowledged = peer.frames[before];
        assert.deepEqual([acknowledged?.type, acknowledged?.flags], [frameTypes.settings, 1]);
        peer.send(response(1));
        assert.equal(await listener.closed, undefined);
      });
    });

    it("sends frames of at most 64 KiB, whatever the peer takes, so that others get their turn", async () => {
      await withPeer(
        engine,
        async (peer, connection) => {
          peer.send(windowUpdateFrame(0, 2 ** 30));
          const { listener } = start(connection, Buffer.alloc(1_000_000));
          await peer.matching(({ type, flags }) => type === frameTypes.data && (flags & endStream) !== 0);
          const longest = Math.max(...peer.frames.map(({ payload }) => payload.length));
          assert.ok(longest <= 65_536, `a frame of ${longest} bytes`);
          peer.send(response(1));
          assert.equal(await listener.closed, undefined);
        },
        [initialWindowSize, 2 ** 30, maxFrameSize, 2 ** 24 - 1],
      );
    });

    it("stops a peer whose stream nobody reads, and lets it go on afterwards", async () => {
      const chunk = Buffer.alloc(16_384);
      let sent = 0;
      await withServer(
        (stream) => {
          stream.respond({ ":status": 200 });
          const more = () => {
            while (sent < 400) {
              sent++;
              if (!stream.write(chunk)) return;
            }
            stream.end();
          };
          stream.on("drain", more);
          more();
        },
        async ({ port }) => {
          const owner = new RecordingOwner();
          const connection = await connectTo(engine, port, owner, { initialWindowBytes: 200_000 });
          const { listener, stream } = start(connection);
          let pausedAt = 0;
          listener.on = (event) => {
            if (event !== "data" || pausedAt > 0) return;
            stream.pause();
            pausedAt = listener.chunks.length;
          };
          await until(() => pausedAt > 0, "the first data");
          for (let quiet = 0, last = -1; quiet < 10; quiet = sent === last ? quiet + 1 : 0, last = sent) {
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
          assert.ok(sent < 60, `${sent} chunks left the server although nobody read them`);
          assert.equal(listener.chunks.length, pausedAt);
          stream.resume();
          assert.equal(await listener.closed, undefined);
          assert.equal(listener.body.length, 400 * chunk.length);
          connection.close(testEnd);
          await owner.closed;
        },
      );
    });

    it("answers a PING with its payload, and knows the answer to its own", async () => {
      await withPeer(engine, async (peer, connection) => {
        peer.send(frame(frameTypes.ping, 0, 0, Buffer.from("abcdefgh")));
        const answer = await peer.matching(({ type, flags }) => type === frameTypes.ping && flags === 1);
        assert.equal(answer.payload.toString(), "abcdefgh");
        const answered = new Promise<void>((resolve) => connection.ping(resolve));
        const { payload } = await peer.frame(frameTypes.ping);
        peer.send(frame(frameTypes.ping, 1, 0, payload));
        await answered;
      });
    });

    it("ignores frames, flags and settings that it does not know", async () => {
      await withPeer(engine, async (peer, connection) => {
        const { listener } = start(connection);
        await peer.frame(frameTypes.headers);
        peer.send(
          frame(0xfa, 0xff, 1, Buffer.from("unknown")),
          settingsFrame([0xf000, 1]),
          frame(frameTypes.priority, 0, 1, Buffer.from([0, 0, 0, 0, 1])),
          response(1),
        );
        assert.equal(await listener.closed, undefined);
      });
    });

    it("does not send headers that the peer announced it would not take, and says so to that call alone", async () => {
      await withPeer(
        engine,
        async (peer, connection) => {
          const large = start(connection, emptyMessage, ["x-large", "v".repeat(1_000)]).listener;
          assert.deepEqual(large.events, []);
          const failure = await large.closed;
          assert.deepEqual([failure?.code, failure?.progress], [Code.ResourceExhausted, "unsent"]);
          const { listener } = start(connection);
          const { streamId } = await peer.frame(frameTypes.headers);
          peer.send(response(streamId));
          assert.equal(await listener.closed, undefined);
        },
        [maxHeaderListSize, 1_000],
      );
    });

    it("takes a complete response as delivered, even if its stream is paused", async () => {
      await withPeer(engine, async (peer, connection) => {
        const { listener, stream } = start(connection);
        stream.pause();
        await peer.frame(frameTypes.headers);
        peer.send(response(1, Buffer.from("complete")));
        assert.equal(await listener.closed, undefined);
        assert.equal(listener.body.toString(), "complete");
        assert.deepEqual(listener.events, ["headers", "data", "trailers", "closed"]);
      });
    });

    it("takes bare resets ahead of a connection's end for a part of it", async () => {
      await withPeer(engine, async (peer, connection) => {
        const { listener } = start(connection);
        await peer.frame(frameTypes.headers, 1);
        peer.socket.end(Buffer.concat([rstFrame(1, 0), goawayFrame(1, 0)]));
        assert.equal((await listener.closed)?.code, Code.Unavailable);
      });
    });

    // What servers do that have answered before they read the request (RFC 9113 §8.1): the rest of it never leaves.
    for (const [what, frames, leavesAt] of [
      ["is left at its headers", [headersFrame(1, okHead), rstFrame(1, 0)], "headers"],
      ["is left at its first data", [headersFrame(1, okHead), dataFrame(1, emptyMessage), rstFrame(1, 0)], "data"],
      ["is left while it is paused", [headersFrame(1, okHead), dataFrame(1, emptyMessage), rstFrame(1, 0)], "paused"],
      ["has its whole answer", [response(1), rstFrame(1, 0)], "never"],
      ["has no answer", [rstFrame(1, 0)], "never"],
    ] as const) {
      it(`counts no stream that is half-sent, ${what}, and was reset without an error`, async () => {
        await withPeer(engine, async (peer, connection) => {
          const { listener, stream } = open(connection);
          stream.write(Buffer.alloc(200_000));
          listener.on = (event) => {
            if (event === "headers" && leavesAt === "paused") stream.pause();
            if (event === leavesAt || (event === "headers" && leavesAt === "paused")) stream.reset(8);
          };
          await peer.frame(frameTypes.data, 1);
          peer.send(...frames);
          await until(() => connection.openStreams === 0, "the stream's end");
          const other = start(connection);
          await peer.frame(frameTypes.headers, 3);
          peer.send(response(3));
          assert.equal(await other.listener.closed, undefined);
        });
      });
    }

    it("keeps the bytes it handed over as they were", async () => {
      await withServer(echo, async ({ port }) => {
        const owner = new RecordingOwner();
        const connection = await connectTo(engine, port, owner);
        const calls = Array.from({ length: 50 }, (_, i) => start(connection, Buffer.alloc(2_000, i)).listener);
        for (const listener of calls) assert.equal(await listener.closed, undefined);
        for (const [i, listener] of calls.entries()) assert.ok(listener.body.equals(Buffer.alloc(2_000, i)));
        connection.close(testEnd);
        await owner.closed;
      });
    });

    it("takes headers and data in as many pieces as the network makes of them", async () => {
      await withPeer(engine, async (peer, connection) => {
        const { listener } = start(connection);
        await peer.frame(frameTypes.headers);
        const bytes = Buffer.concat([
          headersFrame(1, okHead.subarray(0, 7), 0),
          frame(frameTypes.continuation, endHeaders, 1, okHead.subarray(7)),
          dataFrame(1, Buffer.from("in pieces")),
          headersFrame(1, okTrailers, endHeaders | endStream),
        ]);
        for (let at = 0; at < bytes.length; at += 5) {
          peer.send(bytes.subarray(at, at + 5));
          await settle();
        }
        assert.equal(await listener.closed, undefined);
        assert.equal(listener.body.toString(), "in pieces");
      });
    });
  });
}
