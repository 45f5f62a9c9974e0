/** What goes into the URL of a call without side effects. */
export interface GetRequest {
  readonly path: string;
  readonly message: Uint8Array;
  readonly messageFormat: "proto" | "json";
  /** The compression of the message; undefined without. */
  readonly encoding: string | undefined;
}

/**
 * The path of a GET with its message in the query, in the order that the protocol names. The same message gives the same
 * URL, so that caches know it again.
 */
export function getPath({ path, message, messageFormat, encoding }: GetRequest): string {
  const isText = messageFormat === "json" && encoding === undefined;
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const parameters = ["connect=v1"];
  if (!isText) parameters.push("base64=1");
  if (encoding !== undefined) parameters.push(`compression=${encodeURIComponent(encoding)}`);
  parameters.push(`encoding=${messageFormat}`);
  parameters.push(`message=${isText ? encodeURIComponent(bytes.toString()) : bytes.toString("base64url")}`);
  return `${path}?${parameters.join("&")}`;
}
