import { Code } from "@connectrpc/connect";
import type { ProbeFailure, ProbeReport } from "../../../../src/index.ts";

/** What a probe reports, where nothing else is said of it. */
export function probed(more: Partial<ProbeReport>): ProbeReport {
  return {
    address: "10.0.0.1:50051",
    startedAtMs: Date.UTC(2026, 0, 1),
    connectMs: undefined,
    tlsMs: undefined,
    settingsMs: undefined,
    pingMs: [],
    socket: { localAddress: undefined, remoteAddress: undefined, alpn: undefined, tls: undefined },
    certificate: undefined,
    limits: undefined,
    failure: undefined,
    ...more,
  };
}

export function failed(
  failure: Partial<ProbeFailure>,
  address = "10.0.0.1:50051",
): ProbeReport & { readonly failure: ProbeFailure } {
  return {
    ...probed({ address }),
    failure: {
      kind: "dial",
      code: Code.Unavailable,
      progress: "unsent",
      message: "it failed",
      stage: "connect",
      bytesRead: 0,
      speaks: undefined,
      ...failure,
    },
  };
}
