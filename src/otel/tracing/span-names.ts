import type { Convention } from "../conventions.ts";

/** What spans and their events are called. */
export interface SpanNames {
  readonly call: (service: string, method: string) => string;
  /** The event of a wait, by what was waited for. */
  readonly waits: Readonly<Record<"resolve" | "connect" | "streams", string>>;
}

export const spanNames: Readonly<Record<Convention, SpanNames>> = {
  semconv: {
    call: (service, method) => `${service}/${method}`,
    waits: { resolve: "glink.waited", connect: "glink.waited", streams: "glink.waited" },
  },
  /** gRFC A72. */
  grpc: {
    call: (service, method) => `Sent.${service}.${method}`,
    waits: {
      resolve: "Delayed name resolution complete",
      connect: "Delayed LB pick complete",
      streams: "Delayed LB pick complete",
    },
  },
};

/** OpenTelemetry's conventions know no attempts: the name is that of gRFC A72. */
export function attemptSpanName(service: string, method: string): string {
  return `Attempt.${service}.${method}`;
}
