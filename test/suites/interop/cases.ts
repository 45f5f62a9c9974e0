import assert from "node:assert/strict";
import { type CallOptions, Code, ConnectError, decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import { createWritableIterable } from "@connectrpc/connect/protocol";
import type { GlinkTransport } from "../../../src/index.ts";
import type { InputRequest, OutputRequest, OutputResponse, TestClient, UnimplementedClient } from "./messages.ts";

/*
 * gRPC's interop cases, from doc/interop-test-descriptions.md of the gRPC project: those for clients that need neither
 * credentials of a cloud nor compressed requests.
 */

/** What a case works with. */
export interface InteropSubject {
  readonly transport: GlinkTransport;
  readonly test: TestClient;
  readonly unimplemented: UnimplementedClient;
}

const largeRequestBytes = 271_828;
const largeResponseBytes = 314_159;
/** Sizes of the messages of a stream: what is sent, and what is asked for in return. */
const requestSizes = [27_182, 8, 1_828, 45_904];
const responseSizes = [31_415, 9, 2_653, 58_979];

const payloadOf = (bytes: number) => ({ body: new Uint8Array(bytes) });
const sizeOf = (response: { readonly payload?: { readonly body: Uint8Array } } | undefined) =>
  response?.payload?.body.length;

/** The call of the case large_unary, which the soak tests repeat. */
export async function largeUnary(test: TestClient, options?: CallOptions): Promise<void> {
  const request = { responseSize: largeResponseBytes, payload: payloadOf(largeRequestBytes) };
  assert.equal(sizeOf(await test.unaryCall(request, options)), largeResponseBytes);
}

export const interopCases: Record<string, (subject: InteropSubject) => Promise<void>> = {
  async empty_unary({ test }) {
    await test.emptyCall({});
  },

  async large_unary({ test }) {
    await largeUnary(test);
  },

  async client_streaming({ test }) {
    async function* requests(): AsyncGenerator<InputRequest> {
      for (const size of requestSizes) yield { payload: payloadOf(size) };
    }
    const { aggregatedPayloadSize } = await test.streamingInputCall(requests());
    assert.equal(aggregatedPayloadSize, 74_922);
  },

  async server_streaming({ test }) {
    const responseParameters = responseSizes.map((size) => ({ size }));
    const sizes: (number | undefined)[] = [];
    for await (const response of test.streamingOutputCall({ responseParameters })) sizes.push(sizeOf(response));
    assert.deepEqual(sizes, responseSizes);
  },

  async ping_pong({ test }) {
    const stream = new Duplex(test);
    for (const [index, size] of requestSizes.entries()) {
      const wanted = responseSizes[index] as number;
      stream.send({ responseParameters: [{ size: wanted }], payload: payloadOf(size) });
      assert.equal(sizeOf(await stream.receive()), wanted);
    }
    stream.endRequests();
    assert.equal(await stream.receive(), undefined);
  },

  async empty_stream({ test }) {
    const stream = new Duplex(test);
    stream.endRequests();
    assert.equal(await stream.receive(), undefined);
  },

  async timeout_on_sleeping_server({ test }) {
    const stream = new Duplex(test, { timeoutMs: 1 });
    stream.send({ payload: payloadOf(27_182) });
    await failsWith(Code.DeadlineExceeded, () => stream.receive());
  },

  async cancel_after_begin({ test, transport }) {
    const controller = new AbortController();
    const requests = createWritableIterable<InputRequest>();
    const begun = transport.snapshot().callsStarted;
    const call = test.streamingInputCall(requests, { signal: controller.signal });
    const failed = failsWith(Code.Canceled, () => call);
    while (transport.snapshot().callsStarted === begun) await new Promise(setImmediate);
    controller.abort();
    await failed;
  },

  async cancel_after_first_response({ test }) {
    const controller = new AbortController();
    const stream = new Duplex(test, { signal: controller.signal });
    stream.send({ responseParameters: [{ size: 31_415 }], payload: payloadOf(27_182) });
    assert.equal(sizeOf(await stream.receive()), 31_415);
    controller.abort();
    await failsWith(Code.Canceled, () => stream.receive());
  },

  async status_code_and_message({ test }) {
    const responseStatus = { code: Code.Unknown, message: "test status message" };
    await failsWith(Code.Unknown, () => test.unaryCall({ responseStatus }), responseStatus.message);
    const stream = new Duplex(test);
    stream.send({ responseStatus });
    stream.endRequests();
    await failsWith(Code.Unknown, () => stream.receive(), responseStatus.message);
  },

  async special_status_message({ test }) {
    const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    await failsWith(Code.Unknown, () => test.unaryCall({ responseStatus: { code: Code.Unknown, message } }), message);
  },

  async custom_metadata({ test }) {
    const unary = new MetadataEcho();
    await test.unaryCall({ responseSize: 1, payload: payloadOf(1) }, unary.options);
    unary.check();
    const streamed = new MetadataEcho();
    const stream = new Duplex(test, streamed.options);
    stream.send({ responseParameters: [{ size: 1 }], payload: payloadOf(1) });
    assert.equal(sizeOf(await stream.receive()), 1);
    stream.endRequests();
    assert.equal(await stream.receive(), undefined);
    streamed.check();
  },

  async unimplemented_method({ test }) {
    await failsWith(Code.Unimplemented, () => test.unimplementedCall({}));
  },

  async unimplemented_service({ unimplemented }) {
    await failsWith(Code.Unimplemented, () => unimplemented.unimplementedCall({}));
  },
};

/** A full duplex call whose two directions are used in turn. */
class Duplex {
  readonly #requests = createWritableIterable<OutputRequest>();
  readonly #responses: AsyncIterator<OutputResponse>;

  constructor(test: TestClient, options?: CallOptions) {
    this.#responses = test.fullDuplexCall(this.#requests, options)[Symbol.asyncIterator]();
  }

  send(request: OutputRequest): void {
    // Settles when the transport has taken the message, or never; how the call ends is told by `receive`.
    this.#requests.write(request).catch(() => undefined);
  }

  endRequests(): void {
    this.#requests.close();
  }

  /** Undefined: the server ended the call. */
  async receive(): Promise<OutputResponse | undefined> {
    const { done, value } = await this.#responses.next();
    return done === true ? undefined : value;
  }
}

const initialName = "x-grpc-test-echo-initial";
const initialValue = "test_initial_metadata_value";
const trailingName = "x-grpc-test-echo-trailing-bin";
const trailingValue = Uint8Array.of(0xab, 0xab, 0xab);

/** Metadata that a server should return: one as header, one as trailer. */
class MetadataEcho {
  readonly #received = { header: new Headers(), trailer: new Headers() };
  readonly options: CallOptions = {
    headers: { [initialName]: initialValue, [trailingName]: encodeBinaryHeader(trailingValue) },
    onHeader: (header) => {
      this.#received.header = header;
    },
    onTrailer: (trailer) => {
      this.#received.trailer = trailer;
    },
  };

  check(): void {
    assert.equal(this.#received.header.get(initialName), initialValue);
    assert.deepEqual(decodeBinaryHeader(this.#received.trailer.get(trailingName) ?? ""), trailingValue);
  }
}

async function failsWith(code: Code, call: () => Promise<unknown>, message?: string): Promise<void> {
  const error = await call().then(
    () => assert.fail(`the call succeeded, ${Code[code]} was expected`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError, `${error}`);
  assert.equal(error.code, code, error.message);
  if (message !== undefined) assert.equal(error.rawMessage, message);
}
