/**
 * What does more than show a character: control characters (a line break forges a line, ESC and CSI reach the terminal),
 * line and paragraph separators, marks that change the direction of what follows, and halves of surrogate pairs.
 */
const unsafe = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Text that came from a peer, or that Node made of what a peer sent, as it may stand in our own messages, logs and events:
 * escapes are visible, and it is cut at 200 characters, because a line of a log has other things to say. Everything of the
 * kind passes through here, once. What is the user's data (the message of a status, metadata, bodies) does not, and reaches
 * nobody but the caller.
 */
export function peerText(text: string, maxChars = 200): string {
  const cut = text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
  return cut.replace(unsafe, escaped);
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return named[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
