import type { HeaderFields, MethodHead } from "../../http2/connection.ts";
import { frameMessage, prefixBytes } from "../framing.ts";
import { fieldOf } from "../grpc/status.ts";
import { timeoutHeader } from "../grpc/timeout.ts";
import type { HeadInit, Protocol } from "../protocol.ts";
import type { ProtocolSettings } from "../protocol-settings.ts";
import { GrpcWebResponse } from "./response.ts";

const previousAttemptsName = "grpc-previous-rpc-attempts";

/** gRPC-Web in its binary form (PROTOCOL-WEB.md): as gRPC, but the trailers are the last message of the body. */
export function grpcWeb(settings: ProtocolSettings): Protocol {
  return {
    name: "grpc-web",
    ownNames: new Set([
      "content-type",
      "x-grpc-web",
      "x-user-agent",
      "grpc-timeout",
      "grpc-encoding",
      "grpc-accept-encoding",
      previousAttemptsName,
    ]),
    head,
    compressedHead: undefined,
    bodiless: undefined,
    frame: (_, payload, flag, memory) => frameMessage(payload, flag, memory),
    framingBytes: () => prefixBytes,
    attemptFields,
    timeoutField: (timeoutMs) => ["grpc-timeout", timeoutHeader(timeoutMs)],
    encodingOf: (_, headers) => fieldOf(headers, "grpc-encoding"),
    reader: (_, limits, address) => new GrpcWebResponse(settings, limits, address),
  };
}
