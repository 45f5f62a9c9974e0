/** Labels by name, in the order in which they are written. */
export type Labels = Readonly<Record<string, string>>;

/** Labels, and how they are written: in braces. */
export interface LabelSet {
  readonly labels: Labels;
  readonly text: string;
}

export function labelSet(labels: Labels): LabelSet {
  let pairs = "";
  for (const name in labels) pairs += `${pairs === "" ? "" : ","}${name}="${escaped(labels[name] as string)}"`;
  return { labels, text: `{${pairs}}` };
}

/** A value as it stands between quotes. */
export function escaped(value: string): string {
  if (!/[\\\n"]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
