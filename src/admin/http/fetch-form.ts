import type { AdminReply, AdminRequest, EventBody } from "./exchange.ts";

export function requestOfFetch({ method, url, headers }: Request): AdminRequest {
  const { pathname, host } = new URL(url);
  return {
    method,
    path: pathname,
    header: (name) => (name.startsWith(":") ? undefined : (headers.get(name) ?? (name === "host" ? host : undefined))),
  };
}

export function answerFetch({ status, headers, body }: AdminReply, isHead: boolean): Response {
  const content = isHead ? null : typeof body === "string" ? body : streamOf(body);
  return new Response(content, { status, headers });
}

function streamOf(body: EventBody): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stopped: (() => void) | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stopped = body.start({
          get queuedBytes() {
            return -(controller.desiredSize ?? 0);
          },
          write: (text) => controller.enqueue(encoder.encode(text)),
          end: () => controller.error(new Error("the page was closed, or its reader did not keep up")),
        });
      },
      cancel: () => stopped?.(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 0 }),
  );
}
