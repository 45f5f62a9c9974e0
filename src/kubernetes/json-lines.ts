/** Far above the largest object that etcd stores, 1.5 MiB. */
const maxLineChars = 16 * 2 ** 20;

/** The JSON values of a body with one on each line, as they come. Half a line at the end is no value. */
export async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  let chars = 0;
  for await (const chunk of body) {
    const lines = decoder.decode(chunk, { stream: true }).split("\n");
    for (const [i, line] of lines.entries()) {
      parts.push(line);
      chars += line.length;
      if (chars > maxLineChars) throw new Error(`the API server sent a line of more than ${maxLineChars} characters`);
      if (i === lines.length - 1) break;
      const text = parts.join("");
      parts = [];
      chars = 0;
      if (text.trim() !== "") yield JSON.parse(text);
    }
  }
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
