import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { checkNames, checkObject, describeValue } from "../base/check.ts";
import { wallClockMs } from "../runtime/wall-clock.ts";

/** A call that a Connect server serves, as its handler is told of it: Connect's `HandlerContext`. */
export interface ServedConnectCall {
  /** Aborted when the call that is served ends. */
  readonly signal: AbortSignal;
  /** The headers that it came with. */
  readonly requestHeader: Headers;
  /** What is left of its deadline, in milliseconds; undefined without one. */
  timeoutMs(): number | undefined;
}

/** A call that a grpc-js server serves: `ServerUnaryCall`, `ServerWritableStream` and so on. */
export interface ServedGrpcCall {
  /** Whether its caller has ended it. */
  readonly cancelled: boolean;
  /** The metadata that it came with. */
  readonly metadata: {
    /** All values of a name in lower case; bytes for one that ends in `-bin`. */
    get(name: string): readonly (string | Uint8Array)[];
  };
  /** When its time is over, by the wall clock; `Infinity` without a deadline. */
  getDeadline(): Date | number;
  /** Calls `listener` when its caller ends it, or its time is over. */
  on(event: "cancelled", listener: () => void): unknown;
}

/** What goes on from a call that is served to those that serve it. */
export interface CallOptionsFromInit {
  /** Names of request headers to pass on, where the call has them. Default: none. */
  readonly headers?: readonly string[];
}

/** A call whose time is over still needs a time: 0 would be none. */
const shortestMs = 1;

/**
 * Options for the calls that a handler makes, so that they end with the call that it serves: what is left of its deadline,
 * its abort, and those of its headers that are named. For handlers of Connect's and of grpc-js:
 *
 *     unary: (request, context) => client.unary(request, callOptionsFrom(context, { headers: ["x-request-id"] }))
 *
 * `timeoutMs` is read as a call begins, so the options may be kept for as long as the handler runs; of a copy, `{ ...options
 * }`, it is that of the moment. Throws a TypeError for what is neither of the two, and for options that are none.
 */
export function callOptionsFrom(
  served: ServedConnectCall | ServedGrpcCall,
  options: CallOptionsFromInit = {},
): CallOptions {
  checkNames("callOptionsFrom", checkObject("the options of callOptionsFrom", options), ["headers"]);
  const names = checkHeaderNames(options.headers ?? []);
  checkObject("the call that callOptionsFrom takes", served, "a handler's context, or a server call of grpc-js");
  if ("requestHeader" in served) {
    const { signal, requestHeader } = served;
    const values = (name: string) => requestHeader.get(name) ?? [];
    return optionsOf(signal, headersOf(names, values), () => served.timeoutMs());
  }
  if (typeof served.getDeadline !== "function") {
    throw new TypeError("callOptionsFrom takes a handler's context, or a server call of grpc-js, and this is neither");
  }
  const headers = headersOf(names, (name) => served.metadata.get(name));
  return optionsOf(signalOf(served), headers, () => remainingMs(served));
}

function optionsOf(signal: AbortSignal, headers: Headers, timeoutMs: () => number | undefined): CallOptions {
  const options: CallOptions = { signal, headers };
  if (timeoutMs() === undefined) return options;
  return Object.defineProperty(options, "timeoutMs", {
    get: () => Math.max(timeoutMs() ?? shortestMs, shortestMs),
    enumerable: true,
  });
}

function checkHeaderNames(names: readonly string[]): readonly string[] {
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) {
    const given = Array.isArray(names) ? "an array with something else" : describeValue(names);
    throw new TypeError(`callOptionsFrom: headers must be an array of header names, not ${given}`);
  }
  const bad = names.find((name) => !/^[\w!#$%&'*+.^`|~-]+$/.test(name));
  if (bad !== undefined)
    throw new TypeError(`callOptionsFrom: headers must hold header names, not ${describeValue(bad)}`);
  return names;
}

function headersOf(
  names: readonly string[],
  valuesOf: (name: string) => string | readonly (string | Uint8Array)[],
): Headers {
  const headers = new Headers();
  for (const name of names) {
    for (const value of [valuesOf(name)].flat()) {
      headers.append(name, typeof value === "string" ? value : Buffer.from(value).toString("base64"));
    }
  }
  return headers;
}

function remainingMs(served: ServedGrpcCall): number | undefined {
  const deadline = served.getDeadline();
  const deadlineMs = typeof deadline === "number" ? deadline : deadline.getTime();
  return deadlineMs === Number.POSITIVE_INFINITY ? undefined : deadlineMs - wallClockMs();
}

function signalOf(served: ServedGrpcCall): AbortSignal {
  const abort = new AbortController();
  const cancelled = () => {
    const isLate = (remainingMs(served) ?? 1) <= 0;
    abort.abort(
      isLate
        ? new ConnectError("the deadline of the served call has passed", Code.DeadlineExceeded)
        : new ConnectError("the served call was canceled", Code.Canceled),
    );
  };
  if (served.cancelled) cancelled();
  else served.on("cancelled", cancelled);
  return abort.signal;
}
