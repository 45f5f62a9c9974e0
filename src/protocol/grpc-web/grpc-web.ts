import type { MethodHead } from "../../http2/connection.ts";
import { frameMessage, prefixBytes } from "../framing.ts";
import { attemptFields, previousAttemptsName } from "../grpc/attempt-fields.ts";
import { timeoutHeader } from "../grpc/timeout.ts";
import type { HeadInit, Protocol } from "../protocol.ts";
import type { ProtocolSettings } from "../protocol-settings.ts";
import { fieldOf } from "../received-fields.ts";
import { GrpcWebResponse } from "./response.ts";

/** gRPC-Web in its binary form (PROTOCOL-WEB.md): as gRPC, but the trailers are the last message of the body. */
export function grpcWeb(settings: ProtocolSettings): Protocol {
  return {
    name: "grpc-web",
    // Its responses say for themselves what they are.
    inBinary() {
      return this;
    },
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

function head({ path, userAgent, messageFormat, sendEncoding, acceptEncodings }: HeadInit): MethodHead {
  const type = `application/grpc-web+${messageFormat}`;
  const fields = ["content-type", type, "x-grpc-web", "1", "user-agent", userAgent, "x-user-agent", userAgent];
  if (sendEncoding !== undefined) fields.push("grpc-encoding", sendEncoding);
  if (acceptEncodings.length > 0) fields.push("grpc-accept-encoding", acceptEncodings.join(","));
  return { path, fields };
}
