import type { ProtocolName } from "../base/protocol-name.ts";
import { connect } from "./connect/connect.ts";
import { grpc } from "./grpc/grpc.ts";
import { grpcWeb } from "./grpc-web/grpc-web.ts";
import type { Protocol } from "./protocol.ts";
import type { ProtocolSettings } from "./protocol-settings.ts";

/** The protocol of that name. */
export function protocolOf(name: ProtocolName, settings: ProtocolSettings): Protocol {
  switch (name) {
    case "grpc":
      return grpc;
    case "grpc-web":
      return grpcWeb(settings);
    case "connect":
      return connect(settings);
  }
}
