/** `application/json`, with a charset or without. */
export const unaryJson: RegExp = /^application\/json(?:; ?charset=utf-?8)?$/i;

const unaryProto = /^application\/proto$/i;
const streamJson = /^application\/connect\+json(?:; ?charset=utf-?8)?$/i;
const streamProto = /^application\/connect\+proto$/i;

/** What a good response to a unary call is. */
export function unaryType(messageFormat: "proto" | "json"): RegExp {
  return messageFormat === "json" ? unaryJson : unaryProto;
}

/** What a response of a stream is. */
export function streamType(messageFormat: "proto" | "json"): RegExp {
  return messageFormat === "json" ? streamJson : streamProto;
}

/** True for Connect's types, whichever of them was asked for. */
export function isOfConnect(contentType: string): boolean {
  return [unaryJson, unaryProto, streamJson, streamProto].some((type) => type.test(contentType));
}
