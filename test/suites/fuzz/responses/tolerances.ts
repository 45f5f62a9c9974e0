import type { Seen } from "./players.ts";
import type { ResponseCase } from "./response-case.ts";

/** A difference between glink and connect-node's transport that is meant to be. */
export interface Tolerance {
  readonly name: string;
  readonly covers: (difference: Difference) => boolean;
}

interface Difference {
  readonly one: ResponseCase;
  readonly own: Seen;
  readonly original: Seen;
}

/** How much of a body comes after the message that ends the response. */
function bytesAfterEnd({ protocol, kind, pieces }: ResponseCase): number {
  if (protocol === "grpc" || (protocol === "connect" && kind === "unary")) return 0;
  const endBit = protocol === "connect" ? 2 : 0x80;
  const body = Buffer.concat(pieces);
  for (let at = 0; at + 5 <= body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    if (((body[at] as number) & endBit) !== 0) return body.length - end;
    at = end;
  }
  return 0;
}

export const tolerances: readonly Tolerance[] = [
  {
    name: "what cannot be read is the server's fault (Internal, Unknown), and no argument that is invalid",
    covers: ({ own, original }) =>
      (own.code === "Internal" || own.code === "Unknown") &&
      original.code === "InvalidArgument" &&
      /protocol error|parse JSON|decompression failed/.test(own.text) &&
      /incomplete envelope|cannot decode|decompression failed|EndStreamResponse/.test(original.text),
  },
  {
    name: "connect-node does not look at the content type of gRPC-Web, nor at an HTTP status below 300",
    covers: ({ one, own }) =>
      one.protocol === "grpc-web" && own.code === "Unknown" && /^(unsupported content type|HTTP 2\d\d)/.test(own.text),
  },
  {
    name: "what follows the end of a response is not read",
    covers: ({ one }) => bytesAfterEnd(one) > 0,
  },
  {
    name: "connect-node fails a call over trailers that Headers does not take",
    covers: ({ original }) => /Headers\.|ByteString/.test(original.text),
  },
  {
    name: "an error status of gRPC's counts, whatever is wrong with the messages and details beside it",
    covers: ({ one, own, original }) =>
      one.protocol !== "connect" &&
      own.code !== undefined &&
      /^(it|a$|$)/.test(own.text) &&
      /compressed envelope|cannot decode|parse (JSON|binary)|invalid base64|decompression failed|incomplete|message size/.test(
        original.text,
      ),
  },
  {
    name: "an error of Connect's counts, whatever is wrong with its code or its details",
    covers: ({ one, own, original }) =>
      one.protocol === "connect" &&
      own.code !== undefined &&
      /EndStreamResponse|cannot decode|HTTP \d/.test(original.text),
  },
  {
    name: "an error that cannot be decompressed has the code of its HTTP status",
    covers: ({ own }) => /HTTP \d+ with an error that cannot be read/.test(own.text),
  },
  {
    name: "a response that ends before its status is Internal, whatever it lacks beside that",
    covers: ({ own, original }) =>
      own.code === "Internal" &&
      /missing status|ended within a message/.test(own.text) &&
      /missing trailer|missing output message|^$/.test(original.text),
  },
  {
    name: "a unary response with too many messages, or with none, is that before anything else",
    covers: ({ own }) => /(extra|missing) output message for unary method/.test(own.text),
  },
  {
    name: "of trailers that are there twice the first counts",
    covers: ({ own, original }) => own.code === undefined && /^invalid grpc-status: .*,/.test(original.text),
  },
  {
    name: "messages that came before a failure are shown",
    covers: ({ own, original }) => own.code === original.code && own.messages.length > original.messages.length,
  },
  {
    name: "details in base64 that is none are passed over",
    covers: ({ original }) => /invalid base64/.test(original.text),
  },
  {
    name: "an encoding is looked at once there is something to decompress",
    covers: ({ own, original }) => own.code !== undefined && /unsupported response encoding/.test(original.text),
  },
  {
    name: "an error of Connect's is in application/json",
    covers: ({ one, own }) => one.protocol === "connect" && one.kind === "unary" && /^HTTP \d/.test(own.text),
  },
  {
    name: "of two broken messages the first counts, whatever the length of the other is",
    covers: ({ own, original }) =>
      own.code !== undefined && [own, original].some(({ text }) => /message size \d+ is larger/.test(text)),
  },
  {
    name: "a text that is no percent-encoding stays readable",
    covers: ({ original }) => original.text === "URI malformed",
  },
  {
    name: "flags of messages are looked at",
    covers: ({ own }) => /message has invalid flags/.test(own.text),
  },
  {
    name: "trailers of gRPC-Web are read line by line, with names of any case",
    covers: ({ one, original }) => one.protocol === "grpc-web" && /missing status/.test(original.text),
  },
  {
    name: "headers are asked for a status only where there is nothing else",
    covers: ({ one }) => one.headers.some(([name]) => name === "grpc-status" || name === "grpc-status-details-bin"),
  },
];
