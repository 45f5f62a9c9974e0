// A user's program, beside the set-up of docs/opentelemetry.md: calls in a request's span, to the server at argv[2], through
// the guide's transport, and through both copies of glink, that for import and that for require, under one instrumentation.
import { createRequire } from "node:module";
import { createClient } from "@connectrpc/connect";
import { trace } from "@opentelemetry/api";
import { glinkTransport } from "glink";
import { openTelemetry } from "glink/otel";
import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";
import { sdk } from "./telemetry.mjs";
import { transport } from "./transport.mjs";

const require = createRequire(import.meta.url);
const options = {
  baseUrl: `http://localhost:${process.argv[2]}`,
  retry: { initialBackoffMs: 10 },
  instrumentation: openTelemetry(),
};
const transports = [transport, require("glink").glinkTransport(options), glinkTransport(options)];
const [ofGuide, ofRequire, ofImport] = transports.map((one) => createClient(EchoService, one));
await trace.getTracer("app").startActiveSpan("request", async (span) => {
  await ofGuide.unary({ text: "hello" });
  await ofRequire.unary({ text: "fail 2 times" });
  for await (const _ of ofImport.serverStream({ text: "three" }));
  await proveOthers();
  span.end();
});
for (const one of transports) await one.close();
await sdk.shutdown();

/** Where other instrumentations run beside: they do see what is theirs. */
async function proveOthers() {
  const url = process.env.GLINK_BESIDE;
  if (url === undefined) return;
  // One span of the instrumentation of undici.
  await fetch(url, { method: "POST", body: "{}" });
  if (require("@grpc/grpc-js").Client.prototype.makeUnaryRequest.__wrapped !== true) {
    throw new Error("the instrumentation of grpc-js has not patched it");
  }
}
