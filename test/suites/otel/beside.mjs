// A user's program in which others make spans, too: undici's instrumentation of a fetch, grpc-js' own of a call with grpc-js,
// in a request's span; and in another request's, calls with both copies of glink, that for import and that for require,
// under one instrumentation. The server's port is argv[2].
import { createRequire } from "node:module";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { trace } from "@opentelemetry/api";
import { glinkTransport } from "glink";
import { openTelemetry } from "glink/otel";
import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";
import { sdk } from "./telemetry.mjs";

const require = createRequire(import.meta.url);
const address = `localhost:${process.argv[2]}`;
const instrumentation = openTelemetry();
const options = { baseUrl: `http://${address}`, instrumentation };
const transports = [glinkTransport(options), require("glink").glinkTransport(options)];
if (transports[0].constructor === transports[1].constructor) throw new Error("there is one copy of glink, not two");

const tracer = trace.getTracer("app");
await tracer.startActiveSpan("request", async (span) => {
  for (const transport of transports) await createClient(EchoService, transport).unary({ text: "hello" });
  span.end();
});
await tracer.startActiveSpan("others", async (span) => {
  await fetch(process.env.OTEL_EXPORTER_OTLP_ENDPOINT, { method: "POST", body: "{}" });
  await callByGrpcJs();
  span.end();
});
for (const transport of transports) await transport.close();
await sdk.shutdown();

function callByGrpcJs() {
  const grpc = require("@grpc/grpc-js");
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const { input, name } = EchoService.method.unary;
  const message = Buffer.from(toBinary(input, create(input, { text: "hello" })));
  const path = `/${EchoService.typeName}/${name}`;
  return new Promise((resolve, reject) => {
    const same = (bytes) => bytes;
    client.makeUnaryRequest(path, same, same, message, (error) => {
      client.close();
      if (error === null) resolve();
      else reject(error);
    });
  });
}
