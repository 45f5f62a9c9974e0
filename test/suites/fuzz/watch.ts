import type { Failure } from "../../../src/base/errors.ts";
import type { ConnectionListener, HeaderFields, Stream, StreamListener } from "../../../src/http2/connection.ts";

/** Notes every breach of the Connection contract that its callbacks show. */
export class Watch {
  readonly problems: string[] = [];
  /** Counts callbacks: whether it stands still tells if the engine has come to rest. */
  callbacks = 0;
  #inside: string | undefined;

  /** Runs a method of the engine from which no callback may come. */
  within<T>(what: string, call: () => T): T {
    this.#inside = what;
    try {
      return call();
    } catch (error) {
      this.problems.push(`${what} threw ${error}`);
      throw error;
    } finally {
      this.#inside = undefined;
    }
  }

  heard(what: string): void {
    this.callbacks++;
    if (this.#inside !== undefined) this.problems.push(`${what} was called from inside ${this.#inside}`);
  }
}

/** One call, as its listener sees it. */
export class WatchedCall implements StreamListener {
  stream: Stream | undefined;
  /** What HTTP/2 numbers it: the n-th stream of a connection. */
  streamId = 0;
  isReset = false;
  isClosed = false;
  isPaused = false;
  status = 0;
  headers: HeaderFields = [];
  trailers: HeaderFields | undefined;
  readonly body: Uint8Array[] = [];
  failure: Failure | undefined;
  readonly #watch: Watch;
  readonly #name: string;
  #phase: "begun" | "headers" | "over" = "begun";

  constructor(watch: Watch, name: string) {
    this.#watch = watch;
    this.#name = name;
  }

  onHeaders(status: number, fields: HeaderFields, endStream: boolean): void {
    this.#heard("onHeaders", this.#phase === "begun");
    this.status = status;
    this.headers = fields;
    this.#phase = endStream ? "over" : "headers";
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.#heard("onData", this.#phase === "headers");
    this.body.push(Buffer.from(bytes.subarray(start, end)));
  }

  onTrailers(fields: HeaderFields): void {
    this.#heard("onTrailers", this.#phase === "headers");
    this.trailers = fields;
    this.#phase = "over";
  }

  onWritable(): void {
    this.#heard("onWritable", true);
  }

  onClosed(failure: Failure | undefined): void {
    this.#heard("onClosed", true);
    this.isClosed = true;
    this.failure = failure;
  }

  #heard(what: string, inOrder: boolean): void {
    const full = `${what} of ${this.#name}`;
    this.#watch.heard(full);
    if (this.isReset) this.#watch.problems.push(`${full} came after reset`);
    else if (this.isClosed) this.#watch.problems.push(`${full} came after onClosed`);
    else if (!inOrder) this.#watch.problems.push(`${full} came out of order, in the phase "${this.#phase}"`);
  }
}

/** The owner's side of the contract. */
export class WatchedOwner implements ConnectionListener {
  isClosed = false;
  failure: Failure | undefined;
  #isDraining = false;
  readonly #watch: Watch;
  readonly #calls: readonly WatchedCall[];

  constructor(watch: Watch, calls: readonly WatchedCall[]) {
    this.#watch = watch;
    this.#calls = calls;
  }

  onDraining(): void {
    this.#heard("onDraining");
    if (this.#isDraining) this.#watch.problems.push("the owner's onDraining came twice");
    this.#isDraining = true;
  }

  onCapacity(): void {
    this.#heard("onCapacity");
  }

  onClosed(failure: Failure | undefined): void {
    this.#heard("onClosed");
    this.isClosed = true;
    this.failure = failure;
    for (const call of this.#calls) {
      if (call.stream !== undefined && !call.isClosed && !call.isReset) {
        this.#watch.problems.push(`the owner's onClosed came before that of stream ${call.streamId}`);
      }
    }
  }

  #heard(what: string): void {
    this.#watch.heard(`the owner's ${what}`);
    if (this.isClosed) this.#watch.problems.push(`the owner's ${what} came after its onClosed`);
  }
}
