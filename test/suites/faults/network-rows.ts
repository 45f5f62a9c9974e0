import type { FaultRow } from "./row.ts";

const lasting = "behaviour/faults/lasting-faults.test.ts";
const loss = "behaviour/faults/connection-loss.test.ts";
const pool = "behaviour/integration/pool.test.ts";
const dialling = "behaviour/faults/dialling.test.ts";

/** Networks (N), names (D). */
export const networkRows: readonly FaultRow[] = [
  {
    id: "N01",
    fault: "one address of several refuses connections",
    holds: "no call fails, its share goes to the others, one dial for each step of the backoff",
    gives: "OK",
    tests: [`${pool}: one address that refuses: no call fails, and its share moves to the others`],
  },
  {
    id: "N02",
    fault: "every address refuses for a while",
    holds: "calls fail at once, or wait where they are told to; they succeed one backoff step after the servers are up",
    gives: "Unavailable (no-backend), unsent; then OK",
    tests: [
      `${pool}: all backends down, then up again: calls fail as Unavailable, and succeed within the backoff`,
      `${pool}: calls that wait for ready outlast a time without backends`,
    ],
  },
  {
    id: "N03",
    fault: "dials are swallowed, for one address or for all",
    holds: "a dial ends with connectTimeoutMs and says what was not answered; other backends' calls are not delayed",
    gives: "Unavailable (connect-timeout), unsent",
    tests: [
      `${pool}: one address that accepts and stays silent delays no call`,
      `${dialling}: a deadline shorter than connectTimeoutMs against a silent port names the address, and what was not answered`,
    ],
    reason: "unreachable and prohibited hosts: npm run families, in network namespaces",
  },
  {
    id: "N05",
    fault: "a live connection goes silent, either way or both",
    holds: "found by PING, no later than interval and timeout; its calls go elsewhere",
    gives: "Unavailable (ping-timeout), unknown; retried elsewhere",
    tests: [
      `${loss}: a dead link without a deadline: the call ends after ping interval and timeout, and the next one is on a new connection`,
      `${pool}: a frozen connection is found by silence alone: a call without a deadline is retried on a new socket`,
      `${loss}: a link that dies under a large upload: the call ends by PING, and the clogged socket goes too`,
    ],
  },
  {
    id: "N06",
    fault: "live sockets are cut again and again",
    holds: "no unary call fails that was not answered; streams that began end as Unavailable",
    gives: "OK after retries that leave the lost connection, at once",
    tests: [
      `${lasting}: live sockets that are cut again and again fail no unary call that was not answered, and end streams as Unavailable`,
      `${loss}: with default retries a unary call repeats what a lost connection interrupted, before its headers or within its message`,
    ],
  },
  {
    id: "N07",
    fault: "the connection ends at any byte of a response, by FIN or by RST",
    holds: "never OK on a part of a message, never pending",
    gives: "Unavailable (connection-lost), unknown",
    tests: [
      `${loss}: \${name} \${when}: Unavailable, and the request may have run`,
      "unit/protocol/framing.test.ts: bytes that end within a prefix or a message are not at a boundary",
    ],
  },
  {
    id: "N08",
    fault: "bytes come one by one",
    holds: "the same results",
    gives: "OK",
    tests: [
      "behaviour/faults/response.test.ts: calls through a network that passes single bytes have the same results",
    ],
  },
  {
    id: "N09",
    fault: "200 ms of latency that varies",
    holds: "no connection is called dead, no deadline comes early",
    gives: "OK",
    tests: [
      `${lasting}: a way of 200 ms that varies: no connection is called dead, no deadline comes early, nothing is repeated`,
    ],
  },
  {
    id: "N10",
    fault: "a narrow link with large messages both ways, half of them cancelled",
    holds: "progress, and small calls in between",
    gives: "OK",
    tests: [
      `${loss}: request and response bodies larger than every window arrive whole`,
      "behaviour/faults/keepalive.test.ts: a long upload that its peer reads all the time, and slowly, is not cut for its silence",
    ],
    reason: "bandwidth is limited by the reader's pace, not by the link",
  },
  {
    id: "N11",
    fault: "packets are lost at random",
    holds: "no call fails, only later",
    gives: "OK",
    tests: [],
    suites: ["node --import tsx test/suites/loss/run.ts"],
    reason: "it takes network namespaces and nft, and so root",
  },
  {
    id: "N12",
    fault: "a server that never reads, and a stream of a hundred megabytes",
    holds: "the caller's iterable waits, the heap stays flat, a cancel works at once",
    gives: "backpressure; Canceled",
    tests: [
      "behaviour/integration/calls-streams.test.ts: a peer that does not read stops the caller's messages, and the heap stays flat",
    ],
  },
  {
    id: "N13",
    fault: "the link goes down and up again, for seconds",
    holds: "one dial for each step of the backoff, nothing left open",
    gives: "OK with a deadline that outlasts it",
    tests: [
      `${lasting}: a link that goes down and up again: calls that wait for it succeed, with one dial for each step of the backoff`,
      `${dialling}: a peer that closes each connection is not dialled again before the backoff is over`,
    ],
  },
  {
    id: "N14",
    fault: "a middlebox forgets an idle connection",
    holds: "the first call after that is answered, or fails with the PING's timeout, not with TCP's",
    gives: "OK or Unavailable (ping-timeout)",
    tests: [
      "behaviour/faults/keepalive.test.ts: a connection that died silently is found though callers bound their calls by a signal, and none is open for long",
      `${pool}: a frozen connection is found by the PING that a timed-out call draws, and replaced`,
    ],
  },
  {
    id: "N15",
    fault: "addresses of two families, one of which does not work",
    holds: "the other serves, without a wait at each dial",
    gives: "OK",
    tests: [
      "behaviour/integration/families.test.ts: gets every call by IPv6 when IPv4 is a black hole, long before connectTimeoutMs",
      "behaviour/integration/families.test.ts: gets every call by IPv6 when nothing listens on IPv4, without a retry",
    ],
  },
  {
    id: "N16",
    fault: "an address now belongs to something that is no gRPC server",
    holds: "it is left out, the text says what was found, others serve",
    gives: "Unavailable (dial), unsent",
    tests: [`${dialling}: a peer that \${name}: the call fails with Unavailable and says why`],
  },
  {
    id: "N17",
    fault: "the client runs out of ports",
    holds: "Unavailable, no busy loop, calls succeed once there are some",
    gives: "Unavailable (dial), unsent",
    tests: [
      "unit/subchannel/subchannel.test.ts: a failed dial waits out the backoff, counted from the start of the dial",
    ],
    reason: "the port range is the network namespace's; the dial's error is as any other",
  },
  {
    id: "D01",
    fault: "three address records",
    holds: "three backends with equal shares",
    gives: "OK",
    tests: [`${pool}: 3 000 sequential calls over 3 addresses are 1 000 each`],
  },
  {
    id: "D02",
    fault: "addresses come, go and are all replaced, under load",
    holds: "new ones serve within a rotation, removed ones drain, streams finish",
    gives: "OK",
    tests: [
      "behaviour/integration/rotation.test.ts: scaled from 2 to 4, the new backends carry a quarter each and the old sockets stay",
      "behaviour/integration/rotation.test.ts: a removed backend ends its long call and its stream well, gets no new call, and is closed soon after",
      "behaviour/integration/scenarios.test.ts: when all backends are replaced within seconds, calls recover as soon as DNS shows the new ones",
    ],
  },
  {
    id: "D03",
    fault: "the same answer shuffled, with duplicates, with a TTL of 0",
    holds: "no connection is dialled or closed for it",
    gives: "OK",
    tests: [
      "unit/resolver/polling-watch.test.ts: a shuffled answer with duplicates is no change of the list (D03)",
      "behaviour/integration/rotation.test.ts: 20 rotations of the same addresses in another order are no dial and no change",
      "unit/resolver/polling-watch.test.ts: a TTL of 0 means a lookup a second",
    ],
  },
  {
    id: "D04",
    fault: "NXDOMAIN, SERVFAIL, REFUSED or nothing, after a good answer",
    holds: "the last good list serves on, lookups back off",
    gives: "OK",
    tests: [
      "unit/resolver/dns-servers.test.ts: NXDOMAIN, SERVFAIL, REFUSED and an empty answer after a good one report errors and keep the list (D04)",
    ],
  },
  {
    id: "D05",
    fault: "lookups fail at the start",
    holds: "calls fail with the resolver's reason, and succeed by themselves later",
    gives: "Unavailable (name-resolution), unsent",
    tests: [
      "unit/resolver/polling-watch.test.ts: a lookup that fails at the start is tried again by itself and recovers without a hint (D05)",
    ],
  },
  {
    id: "D06",
    fault: "a DNS server that does not answer",
    holds: "a lookup ends with its timeout, one at a time",
    gives: "Unavailable (name-resolution), or the last good list",
    tests: [
      "unit/resolver/dns-servers.test.ts: a silent server is an error when timeoutMs is over, and the lookup recovers by itself (D06)",
    ],
  },
  {
    id: "D07",
    fault: "slow lookups beside file reads on Node's thread pool",
    holds: "at most one thread is taken",
    gives: "OK",
    tests: [
      "unit/resolver/polling-watch.test.ts: a lookup that timed out but cannot be stopped lets no other start, and its late answer is welcome",
    ],
    reason: "counted, and not timed: a lookup in flight lets no other start",
  },
  {
    id: "D08",
    fault: "a thousand calls that fail within seconds",
    holds: "lookups keep their distance",
    gives: "at most six lookups in five seconds",
    tests: ["unit/resolver/polling-watch.test.ts: 1 000 failing calls in 5 s cost at most 6 lookups (D08)"],
  },
  {
    id: "D09",
    fault: "the answer flips between two sets",
    holds: "connections are opened for changes alone, and all of them closed",
    gives: "OK",
    tests: [
      `${lasting}: an answer that flips between two sets: no call fails, connections are made for changes alone, and all of them closed`,
      "unit/pool/reconcile.test.ts: what stayed keeps its connection, what is new is dialled, what left is drained",
    ],
  },
  {
    id: "D10",
    fault: "hundreds of records, over TCP",
    holds: "all are known; subsetSize bounds the connections",
    gives: "OK",
    tests: [
      "unit/resolver/dns-servers.test.ts: a long answer comes over TCP, and its shortest known TTL counts: no storm of lookups follows",
    ],
  },
  {
    id: "D11",
    fault: "a record that leads nowhere",
    holds: "the others carry the load",
    gives: "OK",
    tests: [`${pool}: one address that refuses: no call fails, and its share moves to the others`],
  },
  {
    id: "D12",
    fault: "literals, ports, trailing dots, localhost, Unix paths",
    holds: "what is documented; literals are never looked up",
    gives: "OK, or a TypeError at construction",
    tests: [
      "unit/resolver/dns-system.test.ts: IP literals need no lookup, whatever family says (D12)",
      "unit/resolver/dns-system.test.ts: localhost comes from the hosts file, as IPv4 addresses alone though it may have both",
      "unit/resolver/fixed.test.ts: unixResolver reports its path, the abstract namespace included",
    ],
  },
  {
    id: "D14",
    fault: "a resolver of the user's that throws, lies or never answers",
    holds: "calls fail with its error, or the pool serves on",
    gives: "Unavailable (name-resolution)",
    tests: [
      "unit/pool/reconcile.test.ts: errors, empty answers and junk leave a working pool alone: one report per episode and one recovery",
    ],
  },
  {
    id: "D15",
    fault: "a loss and the timer ask at the same time",
    holds: "one lookup",
    gives: "OK",
    tests: [
      "unit/resolver/polling-watch.test.ts: a connection loss and the rotation timer that ask at once get one lookup (D15)",
    ],
  },
];
