import assert from "node:assert/strict";
import { Code, ConnectError, type createClient } from "@connectrpc/connect";
import { EchoService, ServedSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { GlinkTransport } from "../../../src/index.ts";
import { pureMethod } from "../../support/pure-method.ts";

/** What is called, and how. */
export interface Subject {
  readonly transport: GlinkTransport;
  readonly fullDuplex: boolean;
}

type Client = ReturnType<typeof createClient<typeof EchoService>>;

const patient = { timeoutMs: 20_000 };
const failMessage = "50 % of ☺";
const wantedTrailer = ["x-trailer-colour-bin", "q6ur"] as const;

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => assert.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError, `${error}`);
  return error;
}

async function* yielding<T>(...values: T[]) {
  yield* values;
}

function checkDetail(error: ConnectError): void {
  const [detail] = error.findDetails(ServedSchema);
  assert.ok(detail !== undefined, "the error has no detail");
  assert.match(detail.backend, /^(go|connect-node)$/);
}

/** What holds for each server, whatever lies between. Each throws unless it does. */
export const checks: Readonly<Record<string, (client: Client, subject: Subject) => Promise<void>>> = {
  async "a unary call, its headers and its trailers"(client) {
    const seen = { header: new Headers(), trailer: new Headers() };
    const { text } = await client.unary(
      { text: "hällo" },
      {
        ...patient,
        headers: { "x-echo-a": "1", [wantedTrailer[0]]: wantedTrailer[1] },
        onHeader: (header) => {
          seen.header = header;
        },
        onTrailer: (trailer) => {
          seen.trailer = trailer;
        },
      },
    );
    assert.equal(text, "hällo");
    assert.equal(seen.header.get("x-echo-a"), "1");
    assert.equal(seen.trailer.get(wantedTrailer[0])?.replace(/=+$/, ""), wantedTrailer[1]);
  },

  async "a message of 1 MiB there and back"(client) {
    const payload = new Uint8Array(2 ** 20).fill(7);
    const answer = await client.unary({ payload }, patient);
    assert.equal(Buffer.compare(answer.payload, payload), 0);
  },

  async "a server stream, and its trailers"(client) {
    const indices: number[] = [];
    let trailer = new Headers();
    const headers = { [wantedTrailer[0]]: wantedTrailer[1] };
    const onTrailer = (received: Headers) => {
      trailer = received;
    };
    for await (const { index } of client.serverStream({ count: 5 }, { ...patient, headers, onTrailer }))
      indices.push(index);
    assert.deepEqual(indices, [0, 1, 2, 3, 4]);
    assert.equal(trailer.get(wantedTrailer[0])?.replace(/=+$/, ""), wantedTrailer[1]);
  },

  async "a client stream"(client) {
    const { count, text } = await client.clientStream(yielding({ text: "a" }, { text: "b" }, { text: "c" }), patient);
    assert.deepEqual([count, text], [3, "c"]);
  },

  async "a stream both ways, each request after the answer to the one before"(client, { fullDuplex }) {
    if (!fullDuplex) return;
    let answered = () => {};
    async function* requests() {
      for (const text of ["a", "b", "c"]) {
        const answer = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield { text };
        await answer;
      }
    }
    const texts: string[] = [];
    for await (const { text } of client.bidi(requests(), patient)) {
      texts.push(text);
      answered();
    }
    assert.deepEqual(texts, ["a", "b", "c"]);
  },

  async "an error, with its text, its detail and its code"(client) {
    for (const failCode of [Code.NotFound, Code.FailedPrecondition, Code.DataLoss, Code.Unauthenticated]) {
      const error = await errorOf(client.unary({ behavior: { failCode, failMessage } }, patient));
      assert.deepEqual([error.code, error.rawMessage], [failCode, failMessage]);
      checkDetail(error);
    }
  },

  async "an error after two messages of a stream"(client) {
    let received = 0;
    const behavior = { failCode: Code.Aborted, failMessage };
    const read = async () => {
      for await (const _ of client.serverStream({ count: 5, failAfter: 2, behavior }, patient)) received++;
    };
    const error = await errorOf(read());
    assert.deepEqual([received, error.code, error.rawMessage], [2, Code.Aborted, failMessage]);
    checkDetail(error);
  },

  async "a deadline, which the server is told of"(client) {
    const slow = { behavior: { delayMs: 10_000 } };
    const begunMs = performance.now();
    const error = await errorOf(client.unary(slow, { timeoutMs: 100 }));
    assert.equal(error.code, Code.DeadlineExceeded, error.message);
    assert.ok(performance.now() - begunMs < 5_000);
    const answer = await client.unary({}, patient);
    // connect-node tells its handlers by a signal alone, and the header only of gRPC.
    if (answer.served?.backend === "go") assert.ok(Number(answer.served.timeout) > 10_000, answer.served.timeout);
  },

  async "retries, each of them counted by the server"(client) {
    const behavior = { failCode: Code.Unavailable, failAttempts: 2, failMessage, requestId: crypto.randomUUID() };
    const { served: answer } = await client.unary({ behavior }, patient);
    assert.equal(answer?.execution, 3);
  },

  async "a stream that is left early, and calls after it"(client) {
    for await (const _ of client.serverStream({ count: 1_000, intervalMs: 20 }, patient)) break;
    assert.equal((await client.unary({ text: "after" }, patient)).text, "after");
  },

  async "a method that nobody serves"(_, { transport }) {
    const unknown = { ...EchoService.method.unary, name: "Nothing" };
    const error = await errorOf(transport.unary(unknown, undefined, 20_000, undefined, {}));
    assert.equal(error.code, Code.Unimplemented, error.message);
  },

  async "a call without side effects, as GET where the protocol has it"(_, { transport }) {
    const { message } = await transport.unary(pureMethod, undefined, 20_000, undefined, { text: "ä?&=" });
    assert.equal((message as { text: string }).text, "ä?&=");
  },
};

/** With the server gone: the proxy answers in its stead. */
export async function checkBadGateway(client: Client): Promise<string> {
  const error = await errorOf(client.unary({}, patient));
  assert.equal(error.code, Code.Unavailable, error.message);
  return error.rawMessage;
}
