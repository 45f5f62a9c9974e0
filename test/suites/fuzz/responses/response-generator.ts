import { brotliCompressSync, gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { ServerStreamResponseSchema, UnaryResponseSchema } from "../../../../proto/gen/glink/demo/v1/echo_pb.js";
import { Chance } from "../chance.ts";
import { errorJson, trailerLines } from "./ends.ts";
import type { Format, ResponseCase } from "./response-case.ts";

type Fields = [string, string][];

/** A response while it is made. */
interface Draft extends Omit<ResponseCase, "seed" | "pieces" | "changes" | "status" | "headers" | "trailers"> {
  status: number;
  headers: Fields;
  body: Buffer;
  trailers: Fields;
  readonly changes: string[];
}

/** The case of this seed: the same each time. */
export function generateResponse(seed: number): ResponseCase {
  const chance = new Chance(seed);
  const draft = goodResponse(chance);
  for (let left = chance.int(0, 3); left > 0; left--) chance.pick(changes)(draft, chance);
  const { body, ...rest } = draft;
  return { ...rest, seed, pieces: cut(body, chance) };
}

function cut(body: Buffer, chance: Chance): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const length = chance.is(0.5) ? body.length - at : chance.int(1, Math.min(40, body.length - at));
    pieces.push(body.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

const prefixed = (flag: number, payload: Buffer) => {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(payload.length, 1);
  return Buffer.concat([prefix, payload]);
};

const compressions: Readonly<Record<string, (bytes: Buffer) => Buffer>> = { gzip: gzipSync, br: brotliCompressSync };

/** A response as a server in good order gives it: success or error, compressed or not. */
function goodResponse(chance: Chance): Draft {
  const protocol = chance.pick(["grpc", "grpc-web", "connect"] as const);
  const kind = chance.pick(["unary", "server-stream"] as const);
  const format = chance.pick(["proto", "json"] as const);
  const draft: Draft = {
    protocol,
    kind,
    format,
    asGet: protocol === "connect" && kind === "unary" && chance.is(0.3),
    status: 200,
    headers: [],
    body: Buffer.alloc(0),
    trailers: [],
    changes: [],
  };
  const encoding = chance.is(0.3) ? chance.pick(Object.keys(compressions)) : undefined;
  const compress = compressions[encoding ?? ""] ?? ((bytes: Buffer) => bytes);
  const fails = chance.is(0.4);
  if (protocol === "connect" && kind === "unary") {
    draft.status = fails ? chance.pick([400, 401, 404, 409, 429, 499, 500, 501, 503, 504]) : 200;
    draft.headers.push(["content-type", fails ? "application/json" : `application/${format}`]);
    draft.body = compress(fails ? Buffer.from(errorJson(chance)) : message(draft, chance));
    if (encoding !== undefined) draft.headers.push(["content-encoding", encoding]);
    if (chance.is(0.3)) draft.headers.push(["trailer-x-a", "1"]);
    return draft;
  }
  const encodingName = protocol === "connect" ? "connect-content-encoding" : "grpc-encoding";
  const base = protocol === "connect" ? "connect" : protocol;
  draft.headers.push(["content-type", `application/${base}+${format}`]);
  if (encoding !== undefined) draft.headers.push([encodingName, encoding]);
  const count = kind === "unary" ? (fails ? 0 : 1) : chance.int(0, 3);
  const flag = encoding === undefined ? 0 : 1;
  const parts = Array.from({ length: count }, () => prefixed(flag, compress(message(draft, chance))));
  if (protocol === "connect") {
    const end = fails ? `{"error":${errorJson(chance)},"metadata":{"x-a":["1"]}}` : '{"metadata":{"x-a":["1","2"]}}';
    parts.push(prefixed(2 | flag, compress(Buffer.from(end))));
  } else if (protocol === "grpc-web") {
    parts.push(prefixed(0x80 | flag, compress(Buffer.from(trailerLines(chance, fails), "latin1"))));
  } else {
    draft.trailers = fails ? statusFields(chance) : [["grpc-status", "0"]];
  }
  draft.body = Buffer.concat(parts);
  return draft;
}

function statusFields(chance: Chance): Fields {
  return [
    ["grpc-status", String(chance.int(1, 16))],
    ["grpc-message", "it%20failed"],
  ];
}

function message({ kind, format }: { kind: ResponseCase["kind"]; format: Format }, chance: Chance): Buffer {
  const text = "x".repeat(chance.pick([0, 1, 30, 300]));
  if (kind === "unary") {
    const unary = create(UnaryResponseSchema, { text });
    return Buffer.from(
      format === "proto" ? toBinary(UnaryResponseSchema, unary) : toJsonString(UnaryResponseSchema, unary),
    );
  }
  const one = create(ServerStreamResponseSchema, { text, index: 1 });
  const schema = ServerStreamResponseSchema;
  return Buffer.from(format === "proto" ? toBinary(schema, one) : toJsonString(schema, one));
}

const contentTypes = [
  ...["application/json", "application/proto", "application/connect+proto", "application/connect+json"],
  ...["application/grpc", "application/grpc+proto", "application/grpc+json", "application/grpc-web"],
  ...["application/grpc-web+proto", "application/grpc-web+json", "application/grpc-web-text+proto"],
  ...["application/json; charset=utf-8", "APPLICATION/JSON", "application/json; charset=latin1", "text/html", "", "*"],
];

const oddFields: Fields = [
  ["grpc-status", "0"],
  ["grpc-status", "5"],
  ["grpc-status", "99"],
  ["grpc-status", "-1"],
  ["grpc-message", "%zz%c3"],
  ["grpc-status-details-bin", "CAUSAWE"],
  ["grpc-status-details-bin", "!"],
  ["content-encoding", "gzip"],
  ["content-encoding", "identity"],
  ["content-encoding", "zstd"],
  ["connect-content-encoding", "br"],
  ["connect-content-encoding", "foo"],
  ["grpc-encoding", "gzip"],
  ["grpc-encoding", "identity"],
  ["retry-after", "1"],
  ["trailer-", "x"],
  ["trailer-x-b-bin", "AQ"],
  ["location", "/elsewhere"],
];

const html = Buffer.from("<!doctype html><h1>502 Bad Gateway</h1>");

/** Each makes one thing odd. */
const changes: readonly ((draft: Draft, chance: Chance) => void)[] = [
  (draft, chance) => {
    draft.status = chance.pick([200, 201, 204, 301, 400, 401, 403, 404, 405, 413, 415, 429, 500, 502, 503, 504]);
    draft.changes.push(`status ${draft.status}`);
  },
  (draft, chance) => {
    const type = chance.pick(contentTypes);
    draft.headers = draft.headers.filter(([name]) => name !== "content-type");
    if (type !== "") draft.headers.push(["content-type", type]);
    draft.changes.push(`content-type "${type}"`);
  },
  (draft, chance) => {
    const field = chance.pick(oddFields);
    const where = chance.is(0.7) ? "headers" : "trailers";
    draft[where] = [...draft[where].filter(([name]) => name !== field[0]), field];
    draft.changes.push(`${field.join(": ")} in the ${where}`);
  },
  (draft) => {
    draft.trailers = [];
    draft.changes.push("no trailers");
  },
  (draft) => {
    draft.headers = [["content-type", "text/html"]];
    draft.body = html;
    draft.changes.push("a page of HTML");
  },
  (draft, chance) => {
    draft.body = draft.body.subarray(0, chance.int(0, draft.body.length));
    draft.changes.push(`cut to ${draft.body.length} bytes`);
  },
  (draft, chance) => {
    if (draft.body.length === 0) return;
    const at = chance.int(0, draft.body.length - 1);
    draft.body = Buffer.from(draft.body);
    draft.body[at] = chance.int(0, 255);
    draft.changes.push(`byte ${at} is ${draft.body[at]}`);
  },
  (draft, chance) => {
    const more = chance.pick([
      prefixed(0, message(draft, chance)),
      prefixed(1, Buffer.from("x")),
      chance.bytes(7),
      html,
    ]);
    draft.body = Buffer.concat(chance.is(0.5) ? [draft.body, more] : [more, draft.body]);
    draft.changes.push("more in the body");
  },
  (draft, chance) => {
    const isUnary = draft.protocol === "connect" && draft.kind === "unary";
    const json = chance.is(0.5) ? errorJson(chance) : `{"error":${errorJson(chance)}}`;
    if (draft.protocol === "connect") draft.body = isUnary ? Buffer.from(json) : prefixed(2, Buffer.from(json));
    else if (draft.protocol === "grpc-web")
      draft.body = prefixed(0x80, Buffer.from(trailerLines(chance, true), "latin1"));
    else draft.trailers = statusFields(chance);
    draft.changes.push("another end");
  },
  (draft, chance) => {
    draft.body = prefixed(
      chance.pick([0, 1, 2, 3, 4, 0x7f, 0x80, 0x81, 0x82, 0xff]),
      chance.pick([draft.body, Buffer.alloc(0)]),
    );
    draft.changes.push(`a prefix with the flag ${draft.body[0]} before it all`);
  },
];
