/** The little of SVG that pictures of the benchmarks are made of. Coordinates have one decimal. */
type Attributes = Readonly<Record<string, string | number>>;

function attributesOf(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escaped(typeof value === "number" ? String(+value.toFixed(1)) : value)}"`)
    .join("");
}

export function element(name: string, attributes: Attributes, content?: string): string {
  const open = `<${name}${attributesOf(attributes)}`;
  return content === undefined ? `${open}/>` : `${open}>${content}</${name}>`;
}

export function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escaped(content));
}

/** A file. `attributes` may say what holds for all its texts. */
export function picture({ width, height, ...attributes }: Attributes, parts: readonly string[]): string {
  const all = { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, role: "img", ...attributes };
  return `${element("svg", all, `\n${parts.join("\n")}\n`)}\n`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
