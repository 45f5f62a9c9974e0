import { frameType, grpcHeaders, type PeerRequest, setting } from "../../support/frame-peer.ts";
import type { Chance } from "../fuzz/chance.ts";

/** What a frame peer does to a request in the place of an answer. `tell` sends the honest messages. */
export type Lie = (request: PeerRequest, chance: Chance, tell: () => void) => void;

/** A whole answer, and then something about the connection. */
const answered =
  (after: (request: PeerRequest, chance: Chance) => void): Lie =>
  (request, chance, tell) => {
    request.headers();
    tell();
    request.trailers();
    after(request, chance);
  };

/** Every way in which a peer is not what it should be: half answers, lies, floods, and ends. */
export const lies: Readonly<Record<string, Lie>> = {
  "GOAWAY after the answer": answered(({ connection, id }) => connection.goaway(id)),
  "GOAWAY with no stream taken": ({ connection }) => connection.goaway(0),
  "GOAWAY with the request taken, and no answer": ({ connection, id }) => connection.goaway(id),
  "GOAWAY with an error": ({ connection, id }, chance) => connection.goaway(id, chance.pick([1, 2, 11]), "chaos"),
  "GOAWAY for too many PINGs": ({ connection, id }) => connection.goaway(id, 11, "too_many_pings"),
  "a reset": (request, chance) => request.reset(chance.int(0, 14)),
  "headers, then a reset": (request, chance) => {
    request.headers();
    request.reset(chance.int(0, 14));
  },
  "messages, then a reset": (request, chance, tell) => {
    request.headers();
    tell();
    request.reset(chance.int(0, 14));
  },
  "half a message, then the connection's end": (request, chance) => {
    request.headers();
    request.message(Buffer.alloc(100), chance.int(1, 60));
    if (chance.is(0.5)) request.connection.abort();
    else request.connection.socket.end();
  },
  "half a message, then trailers": (request, chance) => {
    request.headers();
    request.message(Buffer.alloc(100), chance.int(1, 60));
    request.trailers();
  },
  "no answer": () => undefined,
  "headers and nothing more": (request) => request.headers(),
  "a status that is none": (request, chance, tell) => {
    request.headers();
    tell();
    request.trailers(chance.pick([[], ["grpc-status", "abc"], ["grpc-status", "99"], ["grpc-status", ""]]));
  },
  "a status message of bad escapes": (request) =>
    request.headers([...grpcHeaders, "grpc-status", "13", "grpc-message", "%ZZ%E2%28 \u0007"], 0x5),
  "pushback that is none": (request, chance) =>
    request.headers(
      [...grpcHeaders, "grpc-status", "14", "grpc-retry-pushback-ms", chance.pick(["-1", "abc", "20", "4294967296"])],
      0x5,
    ),
  "an HTTP error with a page": (request, chance) => {
    request.headers([":status", chance.pick(["503", "404", "301", "429"]), "content-type", "text/html"]);
    request.data(Buffer.from("<html>"), true);
  },
  "no trailers": (request, _, tell) => {
    request.headers();
    tell();
    request.data(Buffer.alloc(0), true);
  },
  "headers twice": (request) => {
    request.headers();
    request.headers();
    request.trailers();
  },
  "interim headers without end": (request) => {
    for (let i = 0; i < 40; i++) request.headers([":status", "103"]);
  },
  "a message of 4 GB": (request) => {
    request.headers();
    request.data(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
  },
  "a compressed message without an encoding": (request) => {
    request.headers();
    request.data(Buffer.from([1, 0, 0, 0, 2, 1, 2]));
    request.trailers();
  },
  "junk for protobuf": (request) => {
    request.headers();
    request.message(Buffer.from([0xff, 0xff, 0xff]));
    request.trailers();
  },
  "a header block that is none": ({ connection, id }) =>
    connection.frame(frameType.headers, 0x5, id, Buffer.from([0xff, 0xff, 0x7f, 0x80])),
  "DATA on stream 0": ({ connection }) => connection.frame(frameType.data, 0, 0, Buffer.from("x")),
  "a frame that is too long": ({ connection, id }) => connection.frame(frameType.data, 0, id, Buffer.alloc(20_000)),
  "a window that overflows": ({ connection }) =>
    connection.frame(frameType.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
  "DATA for a stream that is closed": answered(({ connection, id }) =>
    connection.frame(frameType.data, 0, id, Buffer.from("late")),
  ),
  PINGs: answered(({ connection }, chance) => {
    for (let i = chance.int(1, 200); i > 0; i--) connection.frame(frameType.ping, 0, 0, Buffer.alloc(8));
  }),
  SETTINGS: answered(({ connection }, chance) => {
    for (let i = chance.int(1, 50); i > 0; i--) connection.settings([setting.maxConcurrentStreams, chance.int(0, 100)]);
  }),
  "the connection's end": ({ connection }, chance) => {
    if (chance.is(0.5)) connection.abort();
    else connection.socket.end();
  },
};

export const lieNames: readonly string[] = Object.keys(lies);
