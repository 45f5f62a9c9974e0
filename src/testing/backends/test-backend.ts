import type { Code, ConnectError } from "@connectrpc/connect";
import type { WaitingOptions } from "../waiting.ts";
import type { OrderOptions } from "./orders.ts";

/** A call that has come to a backend. */
export interface ReceivedCall {
  /** Who received it. */
  readonly backend: TestBackend;
  /** "pkg.Service/Method" */
  readonly method: string;
}

/** A GOAWAY: without a code, or with 0, one in good order. */
export interface GoawayOptions {
  /** An error code of HTTP/2 (RFC 9113 §7), after which the connection ends at once: 11 is ENHANCE_YOUR_CALM. Default 0; 0 to 13. */
  readonly http2Code?: number;
  /** What the server has to say about it, "too_many_pings" say. Default: nothing. */
  readonly debug?: string;
}

/**
 * One real server in this process, behind an address of its own, and what a test can make it do. What it is told about calls
 * holds until it is told something else, or `recover()`.
 */
export interface TestBackend {
  /** `127.0.0.1`, say. */
  readonly host: string;
  /** Where it listens, also after a restart. */
  readonly port: number;
  /** `host:port`, as resolvers, events and errors write it. */
  readonly address: string;
  /** Calls that have come, each attempt for itself and whatever became of it, since the start or `resetCounts()`. */
  readonly calls: number;
  /** Calls that are open now. */
  readonly openCalls: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** The next call to come from here on. Rejects when none comes in time. */
  nextCall(options?: WaitingOptions): Promise<ReceivedCall>;
  /** `calls` counts from 0 again. */
  resetCounts(): void;

  /** Answers calls with this status, in the protocol of each; a ConnectError's metadata and details go along. */
  status(status: Code | ConnectError, options?: OrderOptions): void;
  /** Serves calls so many milliseconds after they came, 0 or more. `Infinity`: keeps them until `recover()`. */
  delay(ms: number, options?: OrderOptions): void;
  /** Refuses calls by RST_STREAM with REFUSED_STREAM: the client knows that they did not run (RFC 9113 §8.7). */
  refuse(options?: OrderOptions): void;
  /** Ends calls by RST_STREAM with this code, 2 (INTERNAL_ERROR) by default; 0 to 13. The client cannot know whether they ran. */
  resetStreams(http2Code?: number, options?: OrderOptions): void;

  /** Says GOAWAY on every connection: in good order, so that open calls end as they would, or with an error. Takes new connections on. */
  goaway(options?: GoawayOptions): void;
  /** Ends every connection by a TCP RST: ECONNRESET to the client. Takes new ones on. */
  reset(): Promise<void>;
  /** Is silent until `recover()`: connections are taken and stay, and no byte passes, as where a process hangs or a network is cut. */
  mute(): void;

  /** Refuses new connections (ECONNREFUSED); those that are open work on. */
  stopAccepting(): void;
  /** Stops as a good server does: no new connections, GOAWAY on the others, and resolves when the open calls have ended. */
  stop(): Promise<void>;
  /** Is gone at once, as after SIGKILL: every connection is cut, and new ones are refused. */
  kill(): Promise<void>;
  /** Is gone, and back at the same address, with nothing of what it was told. */
  restart(): Promise<void>;
  /** Works again, at the same address, whatever was done to it; calls that it kept are served. */
  recover(): Promise<void>;
}
