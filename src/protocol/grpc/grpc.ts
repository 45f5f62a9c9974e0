import type { MethodHead } from "../../http2/connection.ts";
import { frameMessage, prefixBytes } from "../framing.ts";
import type { HeadInit, Protocol } from "../protocol.ts";
import { fieldOf } from "../received-fields.ts";
import { attemptFields, previousAttemptsName } from "./attempt-fields.ts";
import { GrpcResponse } from "./response.ts";
import { timeoutHeader } from "./timeout.ts";

/** gRPC over HTTP/2 (PROTOCOL-HTTP2.md), with the headers of gRFC A6. */
export const grpc: Protocol = {
  name: "grpc",
  inBinary: () => grpc,
  ownNames: new Set(["content-type", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding", previousAttemptsName]),
  head,
  compressedHead: undefined,
  bodiless: undefined,
  frame: (_, payload, flag, memory) => frameMessage(payload, flag, memory),
  framingBytes: () => prefixBytes,
  attemptFields,
  timeoutField: (timeoutMs) => ["grpc-timeout", timeoutHeader(timeoutMs)],
  encodingOf: (_, headers) => fieldOf(headers, "grpc-encoding"),
  reader: (_, limits, address) => new GrpcResponse(limits, address),
};

function head({ path, userAgent, messageFormat, sendEncoding, acceptEncodings }: HeadInit): MethodHead {
  const fields = ["content-type", `application/grpc+${messageFormat}`, "te", "trailers", "user-agent", userAgent];
  if (sendEncoding !== undefined) fields.push("grpc-encoding", sendEncoding);
  if (acceptEncodings.length > 0) fields.push("grpc-accept-encoding", acceptEncodings.join(","));
  return { path, fields };
}
