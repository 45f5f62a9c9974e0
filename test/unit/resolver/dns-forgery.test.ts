// A name server is asked over UDP, where anybody may answer in its stead: what an answer has to know is random, and what does
// not know it is not heard (RFC 5452). c-ares does that, and this holds it to it, with real packets.
import assert from "node:assert/strict";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { dnsResolver } from "../../../src/resolver/dns.ts";
import { type DnsQuestion, readQuestion, writeResponse } from "../../../src/testing/dns/dns-message.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { type Reports, watchReports } from "./watching.ts";

checkForLeaks();

const target = { host: "echo.test", port: 50051 };

interface Query {
  readonly question: DnsQuestion;
  readonly peer: RemoteInfo;
}

async function udpSocket(t: TestContext, port = 0): Promise<Socket> {
  const socket = createSocket("udp4");
  const listening = once(socket, "listening");
  socket.bind(port, "127.0.0.1");
  await listening;
  t.after(() => socket.close());
  return socket;
}

/** A watch of a name through a server of ours, which does as it is told with each query. */
async function watching(t: TestContext, answer: (query: Query, server: Socket) => void): Promise<Reports> {
  const server = await udpSocket(t);
  server.on("message", (message, peer) => {
    const question = readQuestion(message);
    if (question !== undefined) answer({ question, peer }, server);
  });
  const resolver = dnsResolver({ servers: [`127.0.0.1:${server.address().port}`], family: 4 });
  const reports = watchReports(resolver, target, { held: true });
  t.after(() => reports.close());
  return reports;
}

const saying = (question: DnsQuestion, data: string, name = target.host) =>
  writeResponse(question, {
    responseCode: 0,
    isCut: false,
    records: [{ name, type: "A", ttlSeconds: 0, data }],
  });

/** A question for another name. */
function asking(name: string, id: number): DnsQuestion {
  const labels = name.split(".").flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  return { id, name, type: "A", bytes: Buffer.concat([...labels, Buffer.from([0, 0, 1, 0, 1])]) };
}

test("answers with another id, to another question, or from another port, are not heard", async (t) => {
  const stranger = await udpSocket(t);
  const { lists, errors } = await watching(t, ({ question, peer }, server) => {
    const send = (message: Buffer, from = server) => from.send(message, peer.port, peer.address);
    const forged = "10.6.6.6";
    send(saying({ ...question, id: question.id ^ 1 }, forged));
    send(saying({ ...question, id: (question.id + 1) & 0xffff }, forged));
    send(saying(asking("evil.test", question.id), forged, "evil.test"));
    send(saying(asking("evil.test", question.id), forged));
    send(saying(question, forged), stranger);
    send(saying(question, "10.0.0.1"));
  });
  await until("a list is reported", () => lists.length > 0 || errors.length > 0);
  assert.deepEqual([lists[0], errors], [["10.0.0.1:50051"], []]);
});

test("each query has an id of its own, which says nothing of the next one, and queries come from many ports", async (t) => {
  const queries: Query[] = [];
  const wanted = 12;
  const all = await Promise.all(
    Array.from({ length: wanted }, () =>
      watching(t, (query, server) => {
        queries.push(query);
        server.send(saying(query.question, "10.0.0.1"), query.peer.port, query.peer.address);
      }),
    ),
  );
  // The same watch once more: what one query told is of no use for its next one.
  all[0]?.watch.refresh();
  await until("all have asked", () => queries.length > wanted && all.every(({ lists }) => lists.length > 0));
  for (const numbers of [queries.map(({ question }) => question.id), queries.map(({ peer }) => peer.port)]) {
    // Two of a dozen may be the same by chance, once in a thousand times.
    assert.ok(new Set(numbers).size >= numbers.length - 1, numbers.join());
    const steps = numbers.slice(1).map((one, i) => one - (numbers[i] as number));
    assert.ok(new Set(steps).size >= steps.length - 2, numbers.join());
  }
});
