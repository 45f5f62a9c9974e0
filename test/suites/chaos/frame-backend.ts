import {
  type FramePeer,
  frameType,
  type PeerConnection,
  type PeerRequest,
  setting,
  startFramePeer,
} from "../../support/frame-peer.ts";
import { framed } from "../../support/framed.ts";
import { Chance } from "../fuzz/chance.ts";
import { type EchoRequest, readEchoRequest } from "./echo-answers.ts";
import { lieNames, lies } from "./lies.ts";
import { type PlannedBackend, requestIdOf } from "./plan.ts";
import { AllSendWindows, frameMaxBytes } from "./send-windows.ts";

/** What a connection, and each request, may send: nobody reads here more slowly than it comes. */
const windowBytes = 2 ** 24;

/** A server on bare frames with the echo service, which lies as often as its plan says, and keeps to HTTP/2 otherwise. */
export class FrameBackend {
  readonly #chance: Chance;
  readonly #peer: FramePeer;
  readonly #windows: AllSendWindows;
  readonly #executions = new Map<string, number>();
  #lies: number;

  private constructor(peer: FramePeer, windows: AllSendWindows, { lies = 0, seed = 0 }: PlannedBackend) {
    this.#peer = peer;
    this.#windows = windows;
    this.#lies = lies;
    this.#chance = new Chance(seed);
  }

  static async start(planned: PlannedBackend): Promise<FrameBackend> {
    const { maxStreams } = planned;
    const windows = new AllSendWindows();
    const peer = await startFramePeer({
      settings: maxStreams === undefined ? [] : [setting.maxConcurrentStreams, maxStreams],
      onConnection: (connection) => widen(connection, 0),
      onHeaders: ({ connection, id }) => widen(connection, id),
      onFrame: (connection, frame) => windows.of(connection).heard(...frame),
      onRequest: (request) => backend.#answer(request),
    });
    const backend = new FrameBackend(peer, windows, planned);
    return backend;
  }

  get port(): number {
    return Number(this.#peer.address.split(":")[1]);
  }

  get executions(): ReadonlyMap<string, number> {
    return this.#executions;
  }

  settings(maxStreams: number, initialWindowBytes: number): void {
    for (const connection of this.#peer.connections) {
      connection.settings([setting.maxConcurrentStreams, maxStreams, setting.initialWindowSize, initialWindowBytes]);
    }
  }

  /** From here on it is as polite as any server. */
  heal(): void {
    this.#lies = 0;
    this.settings(100, 65_535);
  }

  close(): Promise<void> {
    return this.#peer.close();
  }

  #answer(request: PeerRequest): void {
    const { connection, id } = request;
    const data = connection.received.filter(([type, , streamId]) => type === frameType.data && streamId === id);
    const echo = readEchoRequest(Buffer.concat(data.map(([, , , payload]) => payload)));
    if (echo === undefined) {
      // Not of the plan: a health check, or a request without a message. Trailers alone.
      request.headers([":status", "200", "content-type", "application/grpc+proto", "grpc-status", "12"], 0x5);
      return;
    }
    const requestId = requestIdOf(echo.id);
    this.#executions.set(requestId, (this.#executions.get(requestId) ?? 0) + 1);
    if (!this.#chance.is(this.#lies / 100)) {
      request.headers();
      const body = Buffer.concat(echo.answers.map((answer) => framed(answer)));
      this.#windows.of(connection).send(request, body, () => request.trailers());
      return;
    }
    lies[this.#chance.pick(lieNames)]?.(request, this.#chance, () => tell(request, echo));
  }
}

function tell(request: PeerRequest, { answers }: EchoRequest): void {
  for (const answer of answers) {
    const bytes = framed(answer);
    for (let at = 0; at < bytes.length; at += frameMaxBytes) request.data(bytes.subarray(at, at + frameMaxBytes));
  }
}

/** Credit for all that may come. */
function widen(connection: PeerConnection, streamId: number): void {
  const credit = Buffer.alloc(4);
  credit.writeUInt32BE(windowBytes);
  connection.frame(frameType.windowUpdate, 0, streamId, credit);
}
