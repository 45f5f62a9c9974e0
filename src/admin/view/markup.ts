/**
 * A piece of the page as plain data. The server writes it as HTML, and the page's script brings the document up to date with
 * it: text stays text in both, whatever is in it.
 */
export interface Markup {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (Markup | string)[];
}

/** What an element may contain: undefined is nothing. */
export type Content = Markup | string | number | undefined | readonly Content[];

/** An element. Tags and names of attributes are ours, values and texts may be anybody's. */
export function el(
  tag: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  ...content: Content[]
): Markup {
  const given = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, visible(String(value))] as const],
  );
  return { tag, attributes: Object.fromEntries(given), children: content.flatMap(flat) };
}

function flat(content: Content): (Markup | string)[] {
  if (content === undefined) return [];
  if (typeof content === "string" || typeof content === "number") return [visible(String(content))];
  return "tag" in content ? [content] : content.flatMap(flat);
}

/** What does more than show a character, as in `peerText` of the core: here addresses and names pass too. */
const unsafe = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

function visible(text: string): string {
  return text.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const nameForm = /^[a-z][a-z0-9-]*$/i;
const empty = new Set(["link", "meta"]);

/** The same as HTML. */
export function toHtml({ tag, attributes, children }: Markup): string {
  const names = [tag, ...Object.keys(attributes)];
  const wrong = names.find((name) => !nameForm.test(name));
  if (wrong !== undefined) throw new TypeError(`${JSON.stringify(wrong)} is no name of HTML`);
  const given = Object.entries(attributes).map(([name, value]) => ` ${name}="${escaped(value)}"`);
  const open = `<${tag}${given.join("")}>`;
  if (empty.has(tag)) return open;
  const inner = children.map((child) => (typeof child === "string" ? escaped(child) : toHtml(child)));
  return `${open}${inner.join("")}</${tag}>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] as string);
}
