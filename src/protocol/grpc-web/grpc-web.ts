import type { MethodHead } from "../../http2/connection.ts";
import { grpc } from "../grpc/grpc.ts";
import type { HeadInit, Protocol } from "../protocol.ts";
import type { ProtocolSettings } from "../protocol-settings.ts";
import { GrpcWebResponse } from "./response.ts";

/** gRPC-Web in its binary form (PROTOCOL-WEB.md): as gRPC, but the trailers are the last message of the body. */
export function grpcWeb(settings: ProtocolSettings): Protocol {
  return {
    ...grpc,
    name: "grpc-web",
    // Its responses say for themselves what they are.
    inBinary() {
      return this;
    },
    ownNames: new Set([...grpc.ownNames, "x-grpc-web", "x-user-agent"]),
    head,
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
