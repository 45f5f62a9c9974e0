import type { FaultRow } from "./row.ts";

const tls = "behaviour/faults/tls.test.ts";
const rotation = "behaviour/integration/rotation.test.ts";
const exit = "behaviour/processes/exit.test.ts";
const retries = "behaviour/integration/retries.test.ts";
const streams = "behaviour/integration/calls-streams.test.ts";
const cancel = "behaviour/integration/calls-cancel.test.ts";
const lasting = "behaviour/faults/lasting-faults.test.ts";
const options = "unit/channel/options.test.ts";

/** TLS (T), servers (S), this process (P), resources (R), misuse (U). */
export const lifecycleRows: readonly FaultRow[] = [
  row(
    "T01",
    "certificates that are not trusted, of another name, expired",
    "the reason, nothing sent, no hot loop of dials",
    "Unavailable (dial), unsent",
    [`${tls}: \${name}: Unavailable with the reason, nothing sent, one dial`],
  ),
  row("T02", "no ALPN, or another protocol", "at once, and it says so", "Unavailable (dial), unsent", [
    `${tls}: \${name}: Unavailable with the reason, nothing sent, one dial`,
  ]),
  row(
    "T03",
    "a client certificate is wanted: none, a wrong one, the right one",
    "the reason, or it works",
    "Unavailable, or OK",
    [`${tls}: mTLS with the client's certificate works, on connect-node and on grpc-js`],
  ),
  row(
    "T04",
    "a handshake that is never answered",
    "ends with connectTimeoutMs",
    "Unavailable (connect-timeout), unsent",
    [`${tls}: a TLS handshake that is never answered ends with the connect timeout`],
  ),
  row("T05", "TLS to a plaintext port, and the other way", "a hint in the text", "Unavailable (dial), unsent", [
    "behaviour/faults/dialling.test.ts: a peer that ${name}: the call fails with Unavailable and says why",
  ]),
  row("T06", "addresses of DNS, certificates of a name", "checked against the name, never against the address", "OK", [
    `${tls}: SNI, :authority and certificate check use the name of baseUrl, whatever address is dialled`,
  ]),
  row(
    "T07",
    "a server changes its certificate",
    "connections stay, new ones verify",
    "OK",
    [`${tls}: \${name} works`],
    "certificates are read for each dial; the swap itself is the server's",
  ),
  row("T08", "one backend of three has a bad certificate", "no call fails", "OK", [
    `${tls}: one backend of three with a bad certificate: no call fails`,
  ]),
  row("T09", "TLS 1.2 alone, 1.3 alone, an end without close_notify", "works; as any other end", "OK", [
    `${tls}: \${name} works`,
  ]),
  row("T10", "many TLS connections grow old at once", "a successor first, few at a time", "OK", [
    "unit/pool/rotation.test.ts: of thousands of connections several are replaced at a time, never more than 5 %, and a black hole stalls none",
  ]),
  row("S01", "a rolling restart by SIGTERM", "no call fails", "OK", [
    "behaviour/processes/shutdown.test.ts: SIGTERM fails no call of any kind: open ones finish where they are, new ones go elsewhere",
    "behaviour/processes/shutdown.test.ts: a rolling restart onto new addresses, of which the resolver hears a second late, fails no call",
  ]),
  row("S02", "servers are killed, one after the other", "no unary call fails", "OK after a retry elsewhere", [
    "behaviour/processes/kill.test.ts: with default options not one unary call fails",
    "behaviour/processes/kill.test.ts: no handler runs more often than attempts were sent to it",
  ]),
  row(
    "S03",
    "grpc-go's MaxConnectionAge of 200 ms, MaxConnectionIdle of 1 s",
    "no call of 2 000 fails, none runs twice",
    "OK",
    [
      "behaviour/faults/goaway.test.ts: a request that nine connections in a row refused by GOAWAY in good order runs once, and fails nobody",
    ],
    "the servers are grpc-go's",
    ["node --import tsx test/suites/aging/run.ts"],
  ),
  row("S04", "a server that complains of PINGs", "they are sent half as often, no call fails", "OK", [
    `behaviour/faults/goaway.test.ts: too_many_pings makes the whole pool ping half as often`,
  ]),
  row("S05", "scaled up and down through DNS", "equal shares within a rotation, no call to what left", "OK", [
    `${rotation}: scaled from 2 to 4, the new backends carry a quarter each and the old sockets stay`,
  ]),
  row(
    "S06",
    "connections are replaced all the time under load, with long streams",
    "streams survive; only drainTimeoutMs cuts them",
    "OK; Unavailable (drain-timeout) beyond it",
    [
      `${rotation}: connections are replaced at their age without an error, also under load`,
      `${rotation}: after drainTimeoutMs a call on a retired connection fails with Unavailable, and only then`,
    ],
  ),
  row("S07", "no successor can be dialled", "the elders serve on", "OK", [
    `${rotation}: when no successor can be dialled the elders serve on`,
  ]),
  row("S08", "a server stands still for seconds", "left out, its calls repeated, back when it works", "OK", [
    "behaviour/processes/frozen.test.ts: no call fails: those that were stuck on it are answered elsewhere",
    "behaviour/processes/frozen.test.ts: no call goes to it while it is frozen, and calls return to it when it thaws",
  ]),
  row(
    "S10",
    "many clients lose all servers at once",
    "their dials spread",
    "Unavailable, then OK",
    ["unit/subchannel/subchannel.test.ts: the backoff grows by 1.6 up to 10 s"],
    "the spread is the jitter of ± 20 % of each client's backoff; a fleet is not run",
  ),
  row("S11", "servers that answer Unavailable", "the retry budget bounds the load", "OK or Unavailable (status)", [
    `${retries}: a fleet that answers Unavailable to all gets 1.1 x its calls and the reserve, and no call above maxAttempts`,
  ]),
  row("S12", "pushback of a time, of -1, of junk", "waited for exactly; stop", "the status", [
    `${retries}: pushback from a \${server} server: 300 is waited for, -1 and junk stop the retries`,
  ]),
  row(
    "S13",
    "DeadlineExceeded by the server, and by our own deadline",
    "the first is retried, the second never",
    "OK; DeadlineExceeded (deadline)",
    [
      "unit/calls/retrying-call.test.ts: DeadlineExceeded sent by a server is retried while there is time left",
      `${retries}: the call's own deadline at a slow \${server} handler is one execution`,
    ],
  ),
  row("S14", "every other status", "one attempt", "the status", [
    `${retries}: of the 16 codes of a \${server} server only Unavailable and DeadlineExceeded are executed again`,
  ]),
  row("S15", "one backend is ten times slower", "its calls wait for it alone", "OK", [
    `${retries}: one slow backend of three: a call that meets it succeeds elsewhere after perAttemptTimeoutMs`,
    "behaviour/integration/balancing.test.ts: leastRequest leaves a backend alone that still works on a call",
  ]),
  row(
    "S16",
    "nginx that ends connections, haproxy and nghttpx that reload",
    "no call fails",
    "OK",
    [],
    "the proxies are others' programs",
    ["npm run load", "node --import tsx test/suites/intermediaries/run.ts"],
  ),
  row(
    "S17",
    "clients that start before their servers",
    "calls succeed one backoff step after they are up",
    "Unavailable, then OK",
    [
      "behaviour/integration/pool.test.ts: all backends down, then up again: calls fail as Unavailable, and succeed within the backoff",
    ],
  ),
  row("P01", "an idle or unused transport, and nothing else to do", "the process ends by itself", "—", [
    `${exit}: a transport that is never used does not hold the process`,
    `${exit}: a transport that is ready and has no call does not hold the process`,
  ]),
  row("P02", "a call that waits, and nothing else", "the process lives until it has settled", "—", [
    `${exit}: a call that waits for a connection, or for its next attempt, keeps the process alive until its end`,
  ]),
  row(
    "P03",
    "close() in every phase",
    "calls settle in time, once, with one code",
    "Canceled (closed); FailedPrecondition afterwards",
    [
      "behaviour/transport.test.ts: close cuts what outlives its timeout, with Canceled",
      "behaviour/transport.test.ts: close is one and the same however often it is called, and fine before the first call",
      "behaviour/transport.test.ts: a pending ready is refused at close, and counts as no call",
    ],
  ),
  row("P04", "transports that are made and dropped", "nothing is left", "—", [
    "behaviour/integration/let-go.test.ts: closes its connections and stops its lookups",
  ]),
  row("P05", "the event loop stands still", "no healthy connection is lost, no call repeated", "OK", [
    "behaviour/processes/stall.test.ts: an event loop that stood still drops no healthy connection, repeats no call, and judges deadlines once",
  ]),
  row("P06", "the process stands still for a minute", "dead sockets are replaced, no burst of timers", "OK", [
    "behaviour/processes/thaw.test.ts: a client that was stopped goes on: of its backends one has died, one says nothing any more, and no call fails",
    "unit/http2/keepalive.test.ts: a peer that stays silent after a stall is still found out",
  ]),
  row("P07", "the wall clock jumps", "timers and backoff follow the monotonic clock", "—", [
    "unit/calls/lifetime.test.ts: a deadline follows fake timers, which turn setTimeout and leave performance.now alone",
    "structure/imports.test.ts: the wall clock, which may jump, is asked for what is shown alone, and for deadlines that others give by it",
  ]),
  row(
    "P09",
    "code of the user's that throws",
    "that call fails, others do not hear of it",
    "the thrown value, or Internal",
    ["behaviour/integration/thrown-values.test.ts: ${where} that throws ${what} fails its call"],
  ),
  row("P10", "an async context for each call", "the caller's own, across retries and queues", "—", [
    "unit/calls/call-options.test.ts: onAttempt runs in the async context of the call",
  ]),
  row(
    "P11",
    "both module systems in a process, fake timers, other versions of Node",
    "works",
    "—",
    ["behaviour/fake-timers.test.ts: under fake timers a retry waits for the ticks"],
    "Node 24 and 26 by .ci/run",
  ),
  row("R01", "fifty thousand calls in sequence", "none fails, memory is flat", "OK", [], "a test would take minutes", [
    "npm run load -- --extremes",
    "npm run interop",
  ]),
  row(
    "R02",
    "half an hour of churn",
    "none fails, memory, handles and listeners are flat",
    "OK",
    [],
    "a test would take minutes",
    ["npm run soak"],
  ),
  row(
    "R03",
    "ten thousand calls at once, a hundred times a hundred streams",
    "none fails, in order",
    "OK",
    ["behaviour/faults/response.test.ts: 150 calls at once on one connection when the peer sets no limit"],
    "the large numbers are the suite's",
    ["npm run load -- --extremes"],
  ),
  row(
    "R04",
    "no file descriptors are left",
    "no spin; it recovers",
    "Unavailable (dial), unsent",
    ["unit/subchannel/subchannel.test.ts: a failed dial waits out the backoff, counted from the start of the dial"],
    "the limit is the process', so that a test would lose its own files; the dial's error is as any other",
  ),
  row(
    "R05",
    "large answers and a slow reader in little memory",
    "two windows for each stream, at most",
    "backpressure",
    [
      "behaviour/integration/unread-responses.test.ts: ${streams} streams that nobody reads hold little more than 64 MiB, and are complete when they are read, ${order}",
    ],
  ),
  row("R06", "a long stream and a reader that sleeps", "all of it, in order", "OK", [
    `${streams}: 20 000 small messages come in order to a reader that sleeps at first: \${server}`,
  ]),
  row("R07", "requests above what is kept for retries", "sent once, and the error says so", "Unavailable with a note", [
    "unit/calls/retrying-call.test.ts: a request larger than bufferMaxBytes is sent once, and the error says so",
  ]),
  row("R08", "one signal for thousands of calls", "no listener is left, no warning", "OK", [
    `${cancel}: one long-lived signal over thousands of calls collects no listeners and prints no warning`,
  ]),
  row("R09", "a hundred thousand calls with deadlines", "no timer is left", "OK", [
    "unit/calls/lifetime.test.ts: a call holds the process until it ends, and leaves no timer and no listener",
  ]),
  row("R10", "more than 10 MB in one session of node:http2", "it does not refuse streams itself", "OK", [
    "behaviour/faults/connection-loss.test.ts: request and response bodies larger than every window arrive whole",
  ]),
  row("R11", "no processor time", "slower, and nothing fails", "OK", [
    `${lasting}: no processor time: calls are only slower, none is repeated, no connection is lost`,
  ]),
  row(
    "R12",
    "three thousand aborts a second",
    "bystanders do not fail",
    "OK for bystanders",
    [`${lasting}: a storm of aborts, before and after the server hears of the call, fails no bystander`],
    "the rate is the suite's",
    ["npm run load -- --extremes"],
  ),
  row("U01", "options out of their range", "an error that names option, value and range", "TypeError or RangeError", [
    `${options}: \${name} takes numbers of its range and refuses everything else by name`,
  ]),
  row("U02", "no retry", "exactly one attempt", "its result", [
    `${retries}: retry: false is one execution at a \${server} server, for a transport and for a single call`,
  ]),
  row("U03", "base URLs of every form", "as connect-node, or a TypeError", "—", [
    "behaviour/drop-in/same.test.ts: the same requests leave for every path of baseUrl: pseudo-headers, names and values",
  ]),
  row("U04", "timeouts of 0, below it, and very large ones", "none; no timer overflows", "OK or DeadlineExceeded", [
    `${cancel}: timeoutMs 0 or less means none, and large ones neither fire early nor overflow their header`,
  ]),
  row(
    "U05",
    "aborts before, in, and after each phase",
    "never sent; reset with CANCEL; no effect",
    "Canceled (canceled)",
    [
      `${cancel}: a signal that is aborted before the call, or in its tick, keeps it from the server`,
      `${cancel}: an abort in the middle of a stream ends it at once, and resets it with CANCEL`,
      `${cancel}: an abort after the end has no effect`,
    ],
  ),
  row(
    "U06",
    "headers that cannot be sent, or are very long",
    "that call alone fails",
    "InvalidArgument (invalid-request)",
    [
      "behaviour/integration/calls-metadata.test.ts: a header that cannot be sent fails that call alone and is named: ${server}",
    ],
  ),
  row("U07", "messages above the limits", "before they are kept", "ResourceExhausted (message-size)", [
    "behaviour/integration/drop-in.test.ts: limits fail with the same code and text as with createGrpcTransport: ${server}",
  ]),
  row(
    "U08",
    "request iterables that throw, never end, or yield something else",
    "the call fails with the cause, the peer hears a reset",
    "the thrown value",
    [
      `${streams}: a request iterable that throws fails the call with its error, and resets the stream`,
      `${streams}: a request iterable that never ends is told when the call is over`,
    ],
  ),
  row("U09", "responses that are left early, or never read", "reset with CANCEL, nothing kept", "—", [
    `${streams}: leaving a response stream early cancels the call at the server: \${server}`,
    `${streams}: a response stream that nobody holds any more is cancelled: \${server}`,
  ]),
  row(
    "U10",
    "messages and headers that change after the call began",
    "the call, and its retry, are what they were",
    "OK",
    [`${cancel}: messages and headers changed after the call began do not change the call, nor its retry`],
  ),
  row("U11", "calls and close() from within callbacks", "no deadlock", "OK", [
    `${cancel}: a call begun in another call's header callback goes through`,
    "behaviour/transport.test.ts: whoever hears of the end may call and close again: calls are refused, and the transport is closed once",
  ]),
  row(
    "U12",
    "options that are unknown, or mean nothing here; one object for two transports",
    "a warning or an error, never silence",
    "—",
    [
      `${options}: an unknown option is a warning of the logger, never silence`,
      `${options}: one options object serves two transports and stays unchanged`,
    ],
  ),
];

function row(
  id: string,
  fault: string,
  holds: string,
  gives: string,
  tests: readonly string[],
  reason?: string,
  suites?: readonly string[],
): FaultRow {
  return {
    id,
    fault,
    holds,
    gives,
    tests,
    ...(reason === undefined ? {} : { reason }),
    ...(suites === undefined ? {} : { suites }),
  };
}
