/** Far above the largest object that etcd stores, 1.5 MiB. */
const maxLineBytes = 16 * 2 ** 20;

const newline = 0x0a;

/** The JSON objects of a body with one on each line, as they come. Half a line at the end is no value. */
export async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<object> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    for (let start = 0; start < chunk.length; ) {
      const end = chunk.indexOf(newline, start);
      const part = chunk.subarray(start, end === -1 ? chunk.length : end);
      start += part.length + 1;
      parts.push(part);
      bytes += part.length;
      if (bytes > maxLineBytes) throw new Error(`the API server sent a line of more than ${maxLineBytes} bytes`);
      if (end === -1) break;
      // Decoded as a whole: a character may be cut by the end of a chunk, and ASCII becomes a string of one byte each.
      const text = Buffer.concat(parts, bytes).toString();
      parts = [];
      bytes = 0;
      if (text.trim() !== "") yield objectOf(text);
    }
  }
}

function objectOf(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (typeof value === "object" && value !== null) return value;
  throw new Error(`the API server sent a line that is no JSON object, of ${text.length} characters`);
}

/** A whole body as text, up to so many characters: of errors no more is wanted. */
export async function textOf(
  body: AsyncIterable<Uint8Array>,
  maxChars: number = Number.POSITIVE_INFINITY,
): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let chars = 0;
  for await (const chunk of body) {
    const part = decoder.decode(chunk, { stream: true });
    parts.push(part);
    chars += part.length;
    if (chars >= maxChars) break;
  }
  return parts.join("").slice(0, maxChars);
}
