import type { Chance } from "../chance.ts";

/** How a call ends, in the words of Connect and of gRPC-Web: as servers say it, and as they should not. */

const codes: readonly unknown[] = [
  "not_found",
  "unavailable",
  "canceled",
  "NotFound",
  "ok",
  "",
  5,
  null,
  undefined,
  "code_5",
];
const messages: readonly unknown[] = ["it failed", "", "göne ☺", 5, null, undefined, {}, "\u0000\u001b[31m"];
const details: readonly unknown[] = [
  undefined,
  [],
  null,
  "x",
  [{ type: "glink.demo.v1.Served", value: "CgF4" }],
  [{ type: "glink.demo.v1.Served", value: "CgF4", debug: { backend: "x" } }],
  [{ type: "glink.demo.v1.Served", value: "§" }],
  [{ type: 5, value: "CgF4" }, null],
];

/** An error of Connect's in JSON, or nearly one. */
export function errorJson(chance: Chance): string {
  if (chance.is(0.5)) return '{"code":"aborted","message":"it failed"}';
  if (chance.is(0.1))
    return chance.pick(["", "null", "[]", "5", '{"code":', '"aborted"', "{}", '{"__proto__":{"code":"aborted"}}']);
  return JSON.stringify({ code: chance.pick(codes), message: chance.pick(messages), details: chance.pick(details) });
}

const lines = [
  "grpc-status:0",
  "grpc-status: 7",
  "Grpc-Status: 9",
  "grpc-message: it%20failed",
  "x-a: 1",
  "no colon",
  ":",
  "grpc-status:",
  "",
];

/** A block of trailers of gRPC-Web's, or nearly one. */
export function trailerLines(chance: Chance, fails: boolean): string {
  const status = `grpc-status: ${fails ? chance.int(1, 16) : 0}`;
  if (chance.is(0.6)) return `${status}\r\ngrpc-message: it%20failed\r\n`;
  const some = Array.from({ length: chance.int(0, 4) }, () => chance.pick(lines));
  return some.join(chance.pick(["\r\n", "\n"])) + chance.pick(["", "\r\n", "\r\n\r\n"]);
}
