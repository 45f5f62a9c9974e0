import { setTimeout as sleep } from "node:timers/promises";
import type { Failure } from "../../../../src/base/errors.ts";
import { parseTarget } from "../../../../src/endpoint/target.ts";
import type {
  Connection,
  ConnectionListener,
  Connector,
  HeaderFields,
  MethodHead,
  StreamListener,
} from "../../../../src/http2/connection.ts";
import type { DialOptions } from "../../../../src/http2/dial/dial.ts";
import { TlsSessions } from "../../../../src/http2/dial/tls-sessions.ts";
import type { Http2Limits } from "../../../../src/http2/limits.ts";
import { NodeHttp2Connector } from "../../../../src/http2/node/node-connector.ts";
import { UnreadMemory } from "../../../../src/http2/unread-memory.ts";
import { WireConnector } from "../../../../src/http2/wire/wire-connector.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { systemHold } from "../../../../src/runtime/process-hold.ts";
import { constantRandom } from "../../../support/random.ts";

export interface Engine {
  readonly name: string;
  readonly connector: (dial: DialOptions, limits: Http2Limits, unread?: UnreadMemory) => Connector;
}

export const wireEngine: Engine = {
  name: "wire",
  connector: (dial, limits, unread = new UnreadMemory(systemClock())) => new WireConnector(dial, limits, unread),
};
const nodeEngine: Engine = { name: "node", connector: (dial, limits) => new NodeHttp2Connector(dial, limits) };
export const engines: readonly Engine[] = [nodeEngine, wireEngine];

export const defaultLimits: Http2Limits = {
  initialWindowBytes: 2 ** 20,
  connectionWindowBytes: 2 ** 23,
  windowsGrow: false,
  maxHeaderListBytes: 65_536,
};

/** What an owner was told, in order. */
export class RecordingOwner implements ConnectionListener {
  readonly events: string[] = [];
  goaway: { readonly code: number; readonly debug: string } | undefined;
  failure: Failure | undefined;
  readonly closed: Promise<void>;
  #resolve!: () => void;

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  onDraining(goaway: { readonly code: number; readonly debug: string } | undefined): void {
    this.events.push("draining");
    this.goaway = goaway;
  }

  onCapacity(): void {
    this.events.push("capacity");
  }

  onClosed(failure: Failure | undefined): void {
    this.events.push("closed");
    this.failure = failure;
    this.#resolve();
  }
}

/** What a stream's listener was told, in order. */
export class RecordingListener implements StreamListener {
  readonly events: string[] = [];
  status = 0;
  headers: HeaderFields = [];
  trailers: HeaderFields = [];
  readonly chunks: Uint8Array[] = [];
  failure: Failure | undefined;
  readonly closed: Promise<Failure | undefined>;
  /** Called with each event, for tests that act from within a callback. */
  on: (event: string) => void = () => undefined;
  #resolve!: (failure: Failure | undefined) => void;

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }

  onHeaders(status: number, fields: HeaderFields, endStream: boolean): void {
    this.status = status;
    this.headers = fields;
    this.#tell(endStream ? "headers+end" : "headers");
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.chunks.push(Buffer.from(bytes.subarray(start, end)));
    this.#tell("data");
  }

  onTrailers(fields: HeaderFields): void {
    this.trailers = fields;
    this.#tell("trailers");
  }

  onWritable(): void {
    this.#tell("writable");
  }

  onClosed(failure: Failure | undefined): void {
    this.failure = failure;
    this.#tell("closed");
    this.#resolve(failure);
  }

  #tell(event: string): void {
    this.events.push(event);
    this.on(event);
  }
}

export const head: MethodHead = {
  path: "/glink.demo.v1.EchoService/Echo",
  fields: ["content-type", "application/grpc+proto", "te", "trailers", "user-agent", "glink/test"],
};

/** A gRPC message without bytes. */
export const emptyMessage: Uint8Array = Buffer.from([0, 0, 0, 0, 0]);

/** What a test may set of a dial. */
export interface DialSetUp extends Partial<DialOptions> {
  /** Shared with other connections. */
  readonly unread?: UnreadMemory;
}

/** Dials a port of 127.0.0.1. */
export async function connectTo(
  engine: Engine,
  port: number,
  owner: ConnectionListener = new RecordingOwner(),
  limits: Partial<Http2Limits> = {},
  { unread, ...dial }: DialSetUp = {},
): Promise<Connection> {
  const hold = systemHold();
  hold.acquire();
  try {
    const connector = engine.connector(
      {
        target: parseTarget(`http://127.0.0.1:${port}`),
        connectTimeoutMs: 5_000,
        tls: {},
        tlsSessions: new TlsSessions(),
        history: { everConnected: false, dials: new Set() },
        runtime: { clock: systemClock(), random: constantRandom(), hold },
        ...dial,
      },
      { ...defaultLimits, ...limits },
      unread,
    );
    return await connector.connect({ host: "127.0.0.1", port }, owner, new AbortController().signal);
  } finally {
    hold.release();
    hold.close();
  }
}

export const testEnd: Failure = {
  kind: "closed",
  code: 1,
  progress: "unknown",
  message: "the test is over",
};

/** Polls until `condition` holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 5) {
    if (waitedMs > 10_000) throw new Error(`waited 10 s for ${what}`);
    await sleep(5);
  }
}
