import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** A span as OTLP's JSON has it. */
export interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  /** 1 INTERNAL, 2 SERVER, 3 CLIENT. */
  readonly kind: number;
  readonly events: readonly { readonly name: string }[];
}

interface ScopeSpans {
  readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
}

interface ScopeMetrics {
  readonly scopeMetrics: readonly { readonly metrics: readonly { readonly name: string }[] }[];
}

/** A collector for OTLP over HTTP, in JSON. */
export interface Receiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly spans: readonly OtlpSpan[];
  /** Names of metrics. */
  readonly metrics: ReadonlySet<string>;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const spans: OtlpSpan[] = [];
  const metrics = new Set<string>();
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as { resourceSpans?: ScopeSpans[]; resourceMetrics?: ScopeMetrics[] };
    for (const { scopeSpans } of body.resourceSpans ?? []) spans.push(...scopeSpans.flatMap((scope) => scope.spans));
    for (const { scopeMetrics } of body.resourceMetrics ?? []) {
      for (const { name } of scopeMetrics.flatMap((scope) => scope.metrics)) metrics.add(name);
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
