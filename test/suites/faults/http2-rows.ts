import type { FaultRow } from "./row.ts";

const goaway = "behaviour/faults/goaway.test.ts";
const lasting = "behaviour/faults/lasting-faults.test.ts";
const contract = "unit/http2/wire/contract.test.ts";
const violations = "unit/http2/wire/violations.test.ts: ends it with GOAWAY, and its calls at once: ${what}";
const streamViolations = "unit/http2/wire/violations.test.ts: resets the stream and spares the connection: ${what}";
const floods =
  "behaviour/hostile/floods.test.ts: with ${flood.what} loses its connection, and nobody else anything (${flood.id})";
const wireFloods =
  "unit/http2/wire/floods.test.ts: of ${what} ends the connection with ENHANCE_YOUR_CALM, and its calls at once";
const answers = "behaviour/hostile/answers.test.ts";
const fuzz = "suites/fuzz/regressions.test.ts";

/** Frames (F), hostile peers (M). */
export const http2Rows: readonly FaultRow[] = [
  row(
    "F01",
    "GOAWAY in two steps with calls open",
    "all finish; new ones on a new connection; the old one closes",
    "OK",
    [
      `${goaway}: a graceful GOAWAY in two steps: open calls finish, new ones go to a new connection, the old one closes`,
    ],
  ),
  row(
    "F02",
    "GOAWAY that takes no stream, or has an error, for every call",
    "few connections, settled at once, others serve",
    "NO_ERROR: ten connections for free, then the policy, then Unavailable (goaway), or DeadlineExceeded (deadline) while a dial waits for its turn; an error: the policy, then Unavailable (goaway)",
    [
      `${lasting}: a GOAWAY in good order that takes no call, each time: repeated for free on ten connections, then by policy, then Unavailable`,
      `${lasting}: a deadline that ends while a server that takes no call is not dialled again yet: DeadlineExceeded, which names its GOAWAY`,
      `${lasting}: one backend of three says GOAWAY to each call: no call fails, and the others serve`,
      `${goaway}: a refused request is repeated once for free, then by policy`,
      `${goaway}: a server that takes each call and says GOAWAY without an answer is dialled less and less often`,
    ],
  ),
  row(
    "F03",
    "GOAWAY between the pick and the HEADERS, or in a burst of calls",
    "what did not run is sent again, once",
    "OK, unsent or refused before",
    [
      `${goaway}: calls that begin in the turn in which a GOAWAY with last id \${lastId} arrives have not left, and run once each`,
    ],
  ),
  row("F04", "GOAWAY on an idle connection as a call begins", "no crash, no call fails", "OK", [
    `${goaway}: GOAWAY on an idle connection and a call at that moment, 200 times: no call fails`,
  ]),
  row(
    "F05",
    "GOAWAY with a rising id, on a stream, or with long debug data",
    "the connection ends; texts are cut and escaped",
    "Unavailable (goaway)",
    [
      `${goaway}: a GOAWAY's debug data is cut at 200 characters in the message`,
      "unit/http2/wire/wire-connection.test.ts: never lets a second GOAWAY take more in than the first",
    ],
  ),
  row(
    "F06",
    "RST_STREAM with each code at each place of a response",
    "gRPC's table of codes, and the connection lives",
    "Internal, but Unavailable for 7 (refused), Canceled for 8, ResourceExhausted for 11, PermissionDenied for 12",
    [
      "behaviour/faults/reset.test.ts: RST_STREAM ${when}: the code of gRPC's table for every HTTP/2 code, and the connection lives",
    ],
  ),
  row(
    "F07",
    "REFUSED_STREAM once, twice, for streams",
    "one free repetition, then the policy",
    "OK, or Unavailable (stream-reset), refused",
    [
      "unit/calls/retrying-call.test.ts: a refused request is sent again at once and free; refused again, it waits and counts",
      "unit/calls/streaming-replay.test.ts: a refused stream is replayed at once, with what was sent so far",
    ],
  ),
  row(
    "F08",
    "limits of streams: 1, 0, lowered, raised, none",
    "never exceeded; waiting calls go where there is room",
    "OK; Unavailable (no-streams) at 0 alone",
    [
      "behaviour/faults/stream-limits.test.ts: MAX_CONCURRENT_STREAMS 1 and 50 calls: never two at once, and all succeed in order",
      "behaviour/faults/stream-limits.test.ts: MAX_CONCURRENT_STREAMS 0 from the start: Unavailable, and it says so",
      "behaviour/faults/stream-limits.test.ts: a limit that is lowered below what is open holds for later calls, and a raised one lets them through",
    ],
  ),
  row(
    "F09",
    "windows of 0, of a byte, negative ones",
    "progress when credit comes, the deadline otherwise",
    "OK or DeadlineExceeded",
    [`${contract}: sends within the peer's windows, also when they become negative, and goes on when credit comes`],
  ),
  row(
    "F10",
    "a whole answer before the request is read",
    "the answer counts, the rest of the request is reset, memory is flat",
    "OK",
    [
      "behaviour/faults/response.test.ts: OK while most of the request is unread: the call succeeds, and the rest of the request is reset",
    ],
  ),
  row(
    "F11",
    "wrong WINDOW_UPDATE and SETTINGS",
    "an error of stream or connection as RFC 9113 says",
    "Unavailable (connection-error) or Internal",
    [violations, streamViolations],
  ),
  row(
    "F12",
    "SETTINGS that never come, or all the time",
    "not ready before they came",
    "Unavailable (connect-timeout), unsent",
    ["behaviour/faults/dialling.test.ts: a backend is ready only after its SETTINGS", wireFloods],
  ),
  row(
    "F13",
    "padding of any length, also too long",
    "credit is given back with it; too long is an error",
    "OK or Unavailable",
    [
      "unit/http2/wire/wire-connection.test.ts: gives credit back by quarters, padding included, and for the connection even if a stream is paused",
      "unit/http2/wire/frame-reader.test.ts: refuses padding that is longer than its frame",
    ],
  ),
  row(
    "F14",
    "interim headers, headers twice, DATA before HEADERS or after trailers",
    "interim ones are ignored, the others end their call",
    "OK or Internal",
    ["behaviour/faults/response.test.ts: interim responses are ignored", streamViolations],
  ),
  row("F15", "headers that HTTP/2 forbids, a wrong content-length", "the stream alone ends", "Internal (protocol)", [
    streamViolations,
  ]),
  row(
    "F16",
    "headers in many CONTINUATION frames, or with others in between",
    "read; or an error of the connection",
    "OK or Unavailable",
    [
      "behaviour/faults/response.test.ts: a head split over CONTINUATION frames, padding, unknown frames and empty DATA are read as HTTP/2 says",
      violations,
    ],
  ),
  row(
    "F17",
    "PUSH_PROMISE, frames on streams that never were",
    "an error of the connection; what is late for a stream that was reset is ignored",
    "Unavailable (connection-error)",
    [violations],
  ),
  row("F18", "unknown frames, flags and settings; PRIORITY", "ignored", "OK", [
    `${contract}: ignores frames, flags and settings that it does not know`,
    "unit/http2/wire/frame-reader.test.ts: ignores the reserved bit of a stream id",
  ]),
  row(
    "F19",
    "header blocks that are none",
    "COMPRESSION_ERROR, and another connection",
    "Internal for the call that is answered, the others are repeated",
    [violations, "unit/http2/wire/hpack/decoder.test.ts: throws nothing but HpackErrors, whatever comes"],
  ),
  row(
    "F20",
    "a peer that breaks HTTP/2 and keeps the socket open",
    "its calls end, the next one is on another connection",
    "wire: at once; node: Unavailable (ping-timeout), for node:http2 tells nobody",
    [
      "behaviour/faults/connection-loss.test.ts: a peer that breaks HTTP/2 and keeps the connection open: the call ends by PING, the next is on a new connection",
      violations,
    ],
  ),
  row("F21", "PINGs between all frames, answers that nobody asked for", "answered before other data; ignored", "OK", [
    "unit/http2/wire/wire-connection.test.ts: answers a PING before the data that waits in the same batch",
    "unit/http2/wire/wire-connection.test.ts: ignores a PING answer that it did not ask for",
  ]),
  row("F22", "stream ids that run out", "another connection before that", "OK", [
    "unit/http2/wire/wire-connection.test.ts: retires before its stream ids run out, and finishes what is open",
  ]),
  row("F23", "messages cut anywhere, a thousand in a frame, empty ones", "the same messages in order", "OK", [
    "unit/protocol/framing.test.ts: a message split at every byte arrives whole",
    "unit/protocol/framing.test.ts: a thousand messages in one chunk arrive in order, and empty chunks change nothing",
  ]),
  row(
    "F24",
    "compression that is not announced, not known, or broken",
    "as Connect's conformance suite has it",
    "Internal (encoding)",
    [
      "unit/protocol/compression.test.ts: bytes that are no gzip are the peer's fault",
      "behaviour/integration/drop-in.test.ts: broken and unusual answers give the same code as with createGrpcTransport",
    ],
  ),
  row(
    "F25",
    "HTTP errors, pages and redirects",
    "the code of the HTTP status; the body is not read as gRPC",
    "the code of gRPC's table (http-status)",
    ["unit/protocol/grpc/status.test.ts: HTTP statuses map to codes as gRPC says"],
  ),
  row(
    "F26",
    "a status that is missing, empty, none or given twice; broken escapes",
    "never throws",
    "Internal or Unknown (status, protocol)",
    [
      "unit/protocol/grpc/status.test.ts: reading a status never throws, whatever the fields are",
      "unit/protocol/grpc/status.test.ts: a status that is no code is Internal and says what came",
    ],
  ),
  row(
    "F27",
    "trailers alone, two statuses, names that come twice",
    "as Connect's conformance suite has it",
    "the status",
    [
      "behaviour/faults/response.test.ts: a trailers-only response carries the status",
      "unit/protocol/grpc/status.test.ts: of a status given twice the first counts",
    ],
  ),
  row("F28", "when the request ends", "END_STREAM leaves with the only message", "OK", [
    "behaviour/integration/calls-streams.test.ts: END_STREAM leaves with the only message of unary and server-streaming calls",
  ]),
  row(
    "M01–M05",
    "header blocks without end, bombs of HPACK, tables that flip, a hundred thousand fields",
    "memory is bounded, the connection ends, others are not touched",
    "Unavailable or ResourceExhausted",
    [
      floods,
      "unit/http2/wire/hpack/decoder.test.ts: makes no strings of a bomb of references to a large entry beyond the limit, and keeps its table right",
    ],
  ),
  row(
    "M06–M12",
    "floods of PING, SETTINGS, RST_STREAM, empty and tiny DATA, interim headers, WINDOW_UPDATE",
    "cut at their limit, the event loop turns",
    "Unavailable (connection-error)",
    [floods, wireFloods],
  ),
  row(
    "M13–M15",
    "floods of PRIORITY, unknown frames, PUSH_PROMISE",
    "cut at their limit",
    "Unavailable (connection-error)",
    [floods, wireFloods],
  ),
  row(
    "M16–M18",
    "what unpacks to a gigabyte, a prefix of 4 GB, a stream without end",
    "bounded by readMaxBytes and by windows",
    "ResourceExhausted above readMaxBytes, without which each message may be announced that gRPC has a prefix for; backpressure",
    [
      `${answers}: of \${encoding} that unpacks to hundreds of megabytes fails its call at readMaxBytes, and takes no memory (M16)`,
      `${answers}: that announces a message of 4 GB fails its call at the prefix (M17)`,
      `${answers}: that never ends stops after two windows when its caller does not read, and goes on when he does (M18)`,
    ],
  ),
  row(
    "M19–M21",
    "a byte a second, and accept-and-close",
    "the deadline holds, nobody else waits, the backoff holds",
    "DeadlineExceeded; Unavailable",
    [
      `${answers}: that comes a byte at a time ends with its deadline, and nobody else waits for it (M19)`,
      "behaviour/hostile/traps.test.ts: that completes the handshake and ${what}, for ever, is dialled no more often than the backoff allows (${id})",
    ],
  ),
  row(
    "M22–M24",
    "names of every object, line breaks and NULs, a megabyte of message, ten thousand trailers",
    "read as any, or refused for that call alone",
    "OK, or ResourceExhausted",
    [
      `${answers}: with names that objects have anyway is read like any other (M22)`,
      `${answers}: with 10 000 trailers of one name fails, and the next call is answered (M24)`,
    ],
  ),
  row(
    "M25–M26",
    "resets that provoke ours, GOAWAY and another dial for ever",
    "nothing is kept; the backoff holds",
    "Internal; Unavailable",
    [
      `${answers}: that makes us reset every stream fails each call alone, and keeps nothing of it (M25)`,
      `${goaway}: a server that takes each call and says GOAWAY without an answer is dialled less and less often`,
    ],
  ),
  row("M27", "random and mutated frames, against both engines", "the same outcome of each call", "npm run fuzz", [
    `${fuzz}: is right now: \${regression.symptom} (\${name})`,
  ]),
];

function row(id: string, fault: string, holds: string, gives: string, tests: readonly string[]): FaultRow {
  return { id, fault, holds, gives, tests };
}
