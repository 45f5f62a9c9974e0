/** Reads the trailers of a gRPC-Web response: lines of `name: value`, as HTTP/1.1 has headers (PROTOCOL-WEB.md). */
export function readTrailerBlock(bytes: Uint8Array): string[] {
  const fields: string[] = [];
  // Latin-1, as the fields of HTTP/2 are read.
  for (const line of Buffer.from(bytes).toString("latin1").split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.push(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}
