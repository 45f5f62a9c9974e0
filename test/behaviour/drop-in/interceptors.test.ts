import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createContextKey, type Interceptor } from "@connectrpc/connect";
import { EchoService, UnaryRequestSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { onConnectNode, onGlink, type Scenario } from "./transports.ts";

/*
 * Interceptors as users write them, over createGrpcTransport and over glink. What Connect gives them are plain objects and
 * Node's own Headers and AbortSignals; whatever they do with those does the same here.
 */

checkForLeaks();

type AnyRequest = Parameters<ReturnType<Interceptor>>[0];
type Way = (request: AnyRequest, say: (seen: unknown) => void) => AnyRequest;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

const marked = createContextKey("unmarked");

/** A ConnectError: for another reason connect-node says Internal. */
const notToday = new ConnectError("not today", Code.Canceled);

/** Each changes the request that it passes on, or looks at it; what it says of it is compared too. */
const ways: Record<string, Way> = {
  "passes on": (request) => request,
  spreads: (request) => ({ ...request }),
  "assigns to a new object": (request) => Object.assign({}, request),
  "spreads twice, and keeps the second": (request) => ({ ...{ ...request } }),
  "inherits from it": (request) => Object.create(request),
  "wraps it in a Proxy": (request) => new Proxy(request, {}),
  "wraps it in a Proxy, and looks at the signal": (request, say) => {
    const proxy = new Proxy(request, {});
    say([proxy.signal === request.signal, proxy.signal instanceof AbortSignal, proxy.signal.aborted]);
    return proxy;
  },
  "copies the descriptors": (request) =>
    Object.defineProperties({}, Object.getOwnPropertyDescriptors(request)) as AnyRequest,
  "picks its fields by name": (request) => {
    const { service, method, requestMethod, url, signal, header, contextValues, message, stream } = request;
    return { service, method, requestMethod, url, signal, header, contextValues, message, stream } as AnyRequest;
  },
  "lists its fields": (request, say) => {
    say(Object.keys(request).sort());
    say(Object.entries(request).filter(([, value]) => value === undefined).length);
    say([Object.hasOwn(request, "signal"), "signal" in request, Object.getPrototypeOf(request) === Object.prototype]);
    return request;
  },
  "freezes it": (request) => Object.freeze(request),
  "keeps the signal": (request, say) => {
    const { signal } = request;
    say([signal === request.signal, signal === { ...request }.signal, signal.aborted, signal.reason]);
    signal.addEventListener("abort", () => say("aborted"));
    return request;
  },
  "sets a signal of its own": (request) => ({ ...request, signal: new AbortController().signal }),
  "sets a signal beside the call's": (request) => ({
    ...request,
    signal: AbortSignal.any([request.signal, new AbortController().signal]),
  }),
  "sets an aborted signal": (request) => ({ ...request, signal: AbortSignal.abort(notToday) }),
  "assigns a signal": (request) => {
    (request as Writable<AnyRequest>).signal = AbortSignal.abort(notToday);
    return request;
  },
  "assigns a signal to an heir": (request, say) => {
    const heir = Object.create(request) as Writable<AnyRequest>;
    heir.signal = AbortSignal.abort(notToday);
    say(request.signal.aborted);
    return heir;
  },
  "defines a signal": (request) =>
    Object.defineProperty(request, "signal", { value: AbortSignal.abort(notToday), enumerable: true }),
  "aborts soon": (request) => {
    if (request.stream) return request;
    const own = new AbortController();
    setTimeout(() => own.abort(notToday), 20);
    const message = create(UnaryRequestSchema, { behavior: { delayMs: 5_000 } });
    return { ...request, message, signal: AbortSignal.any([request.signal, own.signal]) } as AnyRequest;
  },
  "sets headers": (request, say) => {
    request.header.set("X-Echo-Set", "a");
    request.header.append("x-echo-set", "b");
    request.header.append("x-echo-added", " c ");
    request.header.set("x-echo-gone", "d");
    request.header.delete("X-echo-gone");
    say([request.header.get("x-echo-SET"), request.header.has("x-echo-gone"), request.header.get("X-Echo-Added")]);
    return request;
  },
  "sets headers of a copy": (request, say) => {
    const copy = { ...request, header: new Headers(request.header) };
    copy.header.set("x-echo-copy", "1");
    say(request.header.has("x-echo-copy"));
    return copy;
  },
  "assigns headers": (request) => {
    (request as Writable<AnyRequest>).header = new Headers([...request.header, ["x-echo-other", "1"]]);
    return request;
  },
  "sets a header of letters that are not ASCII": (request) => {
    request.header.set("x-echo-latin", "caf\u00e9");
    return request;
  },
  "sets a bad header": (request) => {
    request.header.set("x echo", "1");
    return request;
  },
  "sets a bad value": (request) => {
    request.header.set("x-echo-bad", "a\nb");
    return request;
  },
  "sets a header to a number": (request) => {
    request.header.set("x-echo-number", 7 as unknown as string);
    return request;
  },
  "lists headers": (request, say) => {
    request.header.set("x-echo-listed", "1");
    const listed = [...request.header].filter(([name]) => name !== "user-agent");
    say(listed);
    say([...request.header.keys()].length === [...request.header.values()].length);
    say(Object.prototype.toString.call(request.header));
    say([request.header instanceof Headers, typeof request.header.forEach]);
    return request;
  },
  "reads what the protocol sets": (request, say) => {
    for (const name of ["content-type", "te", "grpc-timeout", "grpc-encoding", "authorization"])
      say(request.header.get(name));
    return request;
  },
  "sets context values": (request, say) => {
    say(request.contextValues.get(marked));
    request.contextValues.set(marked, "marked");
    return request;
  },
  "changes the message": (request) =>
    request.stream ? request : ({ ...request, message: create(UnaryRequestSchema, { text: "changed" }) } as AnyRequest),
};

/** Headers that the server sends back, and what the interceptor had to say. */
function scenarioOf(notes: unknown[], callOptions: object): Scenario {
  return async (transport) => {
    const client = createClient(EchoService, transport);
    const seen: unknown[] = [];
    const onHeader = (header: Headers) => {
      seen.push([...header].filter(([name]) => name.startsWith("x-echo")));
    };
    const outcome = async (call: () => Promise<unknown>) => {
      try {
        seen.push(await call());
      } catch (error) {
        const { code, rawMessage } = ConnectError.from(error);
        seen.push([Code[code], rawMessage.replace(/ \(backend [^)]*\)$/, "")]);
      }
    };
    await outcome(async () => (await client.unary({ text: "a" }, { ...callOptions, onHeader })).text);
    await outcome(async () => {
      const texts: unknown[] = [];
      for await (const { index } of client.serverStream({ count: 2 }, { ...callOptions, onHeader })) texts.push(index);
      return texts;
    });
    await sleep(0);
    return [seen, notes.splice(0)];
  };
}

const optionsOfCalls: Record<string, object> = {
  "a call with nothing": {},
  "a call with headers and a deadline": {
    headers: { Authorization: "Bearer x", "x-echo-own": "own", "X-Echo-Set": "before", "user-agent": "mine" },
    timeoutMs: 20_000,
  },
};

test("whatever an interceptor does, it does the same with createGrpcTransport", { concurrency: true }, async (t) => {
  const backend = await startConnectEcho();
  const baseUrl = `http://${backend.address}`;
  const compare = async (way: Way) => {
    for (const [what, callOptions] of Object.entries(optionsOfCalls)) {
      const notes: unknown[] = [];
      const interceptor: Interceptor = (next) => async (request) => {
        const response = await next(way(request, (seen) => notes.push(seen)));
        notes.push([request.signal.aborted, request.contextValues.get(marked)]);
        return response;
      };
      const interceptors: Interceptor[] = [interceptor, (next) => (request) => next(request)];
      const scenario = scenarioOf(notes, callOptions);
      const expected = await onConnectNode({ baseUrl, interceptors }, scenario);
      assert.deepEqual(await onGlink({ baseUrl, interceptors }, scenario), expected, what);
    }
  };
  try {
    await Promise.all(Object.entries(ways).map(([name, way]) => t.test(`it ${name}`, () => compare(way))));
  } finally {
    await backend.close();
  }
});
