import assert from "node:assert/strict";
import { test } from "node:test";
import { rpcSystemOf } from "../../../src/otel/conventions.ts";

test("telemetry names what is on the wire, as the conventions do", () => {
  assert.deepEqual(
    [rpcSystemOf("grpc"), rpcSystemOf("grpc-web"), rpcSystemOf("connect")],
    ["grpc", "grpc", "connectrpc"],
  );
});
