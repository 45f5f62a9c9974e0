import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { noPoolReport, type OpenClient } from "./demo-client.ts";

const { unary } = EchoService.method;
const path = `/${EchoService.typeName}/${unary.name}`;

/** Without it all calls would go to one backend. */
const serviceConfig = { loadBalancingConfig: [{ round_robin: {} }] };

/**
 * grpc-js with `round_robin` and else its defaults, but for the interval that would make the demo long. It asks DNS when
 * it has lost a connection.
 */
export const open: OpenClient = async ({ serviceName, port, dnsServer, rotationIntervalMs, deadlineMs }) => {
  // grpc-js reads this when it is loaded: without it, it asks the operating system, whichever server its target names.
  process.env.GRPC_NODE_USE_ALTERNATIVE_RESOLVER = "true";
  const { Client, credentials, Metadata } = await import("@grpc/grpc-js");
  if (port === undefined) (await import("./grpc-js-service-resolver.ts")).register();
  const target = port === undefined ? `srv://${dnsServer}/${serviceName}` : `dns://${dnsServer}/${serviceName}:${port}`;
  const client = new Client(target, credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify(serviceConfig),
    "grpc.service_config_disable_resolution": 1,
    "grpc.dns_min_time_between_resolutions_ms": rotationIntervalMs,
  });
  const request = create(unary.input, { text: "hello" });
  const metadata = new Metadata();
  return {
    call: () =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          path,
          (message) => Buffer.from(toBinary(unary.input, message)),
          (bytes) => fromBinary(unary.output, bytes),
          request,
          metadata,
          { deadline: Date.now() + deadlineMs },
          (error, response) => (error === null ? resolve(response?.served?.backend) : reject(error)),
        );
      }),
    poolReport: () => noPoolReport,
    close: async () => client.close(),
  };
};
