// A user's program, beside the set-up of docs/opentelemetry.md: calls in a request's span, to the server at argv[2].
import { createClient } from "@connectrpc/connect";
import { trace } from "@opentelemetry/api";
import { glinkTransport } from "glink";
import { openTelemetry } from "glink/otel";
import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";
import { sdk } from "./telemetry.mjs";

const transport = glinkTransport({
  baseUrl: `http://localhost:${process.argv[2]}`,
  retry: { initialBackoffMs: 10 },
  instrumentation: openTelemetry(),
});
const client = createClient(EchoService, transport);
await trace.getTracer("app").startActiveSpan("request", async (span) => {
  await client.unary({ text: "hello" });
  await client.unary({ text: "fail 2 times" });
  for await (const _ of client.serverStream({ text: "three" }));
  span.end();
});
await transport.close();
await sdk.shutdown();
