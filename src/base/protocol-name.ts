/** The protocols of Connect's family, as the option `protocol` names them. */
export type ProtocolName = "grpc" | "grpc-web" | "connect";
