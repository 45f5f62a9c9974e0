import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTarget } from "../../../../src/endpoint/target.ts";
import { RequestHeaderMaker } from "../../../../src/http2/node/node-headers.ts";

const head = { path: "/a.B/C", fields: ["content-type", "application/grpc+proto"] };

test("the constant part of a method's headers is made once", () => {
  const maker = new RequestHeaderMaker(parseTarget("http://echo.test"));
  assert.equal(maker.make(head, []), maker.make(head, []));
});

test("metadata named as what every object inherits is sent as it is", () => {
  const maker = new RequestHeaderMaker(parseTarget("http://echo.test"));
  const { headers } = maker.make(head, ["constructor", "a", "__proto__", "b"]);
  const sent = new Map(Object.entries(headers));
  assert.deepEqual([sent.get("constructor"), sent.get("__proto__"), sent.get(":path")], ["a", "b", "/a.B/C"]);
});
