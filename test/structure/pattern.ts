/** A regular expression as a tree, as far as the patterns of `src` go. */
export type Pattern =
  | { readonly kind: "set"; readonly has: (character: string) => boolean }
  | { readonly kind: "place"; readonly holds: (text: string, at: number) => boolean }
  | { readonly kind: "sequence"; readonly parts: readonly Pattern[] }
  | { readonly kind: "choice"; readonly options: readonly Pattern[] }
  | { readonly kind: "look"; readonly behind: boolean; readonly negative: boolean; readonly part: Pattern }
  | {
      readonly kind: "repeat";
      readonly least: number;
      readonly most: number;
      readonly lazy: boolean;
      readonly part: Pattern;
    };

const group = /^\((?:\?(?:(?<look><?[=!])|:|<[^>]*>))?/;
const piece = /^(?:\[(?:\\.|[^\]\\])*\]|\\(?:[pP]\{[^}]*\}|u[0-9a-f]{4}|x[0-9a-f]{2}|[^ux])|[\s\S])/i;
const quantifier = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/;

/** Reads what stands between the slashes. Throws on what no pattern here has, such as a reference to a group. */
export function parsePattern(source: string, flags: string): Pattern {
  let rest = source;
  const take = (form: RegExp): RegExpExecArray | null => {
    const found = form.exec(rest);
    if (found !== null) rest = rest.slice(found[0].length);
    return found;
  };
  const choice = (): Pattern => {
    const options = [sequence()];
    while (take(/^\|/)) options.push(sequence());
    return options.length === 1 ? (options[0] as Pattern) : { kind: "choice", options };
  };
  const sequence = (): Pattern => {
    const parts: Pattern[] = [];
    while (rest !== "" && !/^[|)]/.test(rest)) parts.push(repeated(atom()));
    return { kind: "sequence", parts };
  };
  const atom = (): Pattern => {
    const opened = take(group);
    if (opened === null) return single(take(piece)?.[0] as string, flags);
    const part = choice();
    if (!take(/^\)/)) throw new Error(`a group of /${source}/ has no end`);
    const look = opened.groups?.look;
    return look === undefined
      ? part
      : { kind: "look", behind: look.startsWith("<"), negative: look.endsWith("!"), part };
  };
  const repeated = (part: Pattern): Pattern => {
    const found = take(quantifier);
    if (found === null) return part;
    const [text, from, comma, to] = found;
    const least = from === undefined ? (text === "+" ? 1 : 0) : Number(from);
    const exact = comma === "" ? least : Number(to || Number.POSITIVE_INFINITY);
    const most = from === undefined ? (text === "?" ? 1 : Number.POSITIVE_INFINITY) : exact;
    return { kind: "repeat", least, most, lazy: take(/^\?/) !== null, part };
  };
  const whole = choice();
  if (rest !== "") throw new Error(`/${source}/ cannot be read from ${rest} on`);
  return whole;
}

function single(text: string, flags: string): Pattern {
  if (/^\\[1-9k]/.test(text)) throw new Error(`${text} refers to a group: matching it takes more than its length`);
  const ofLines = flags.includes("m");
  if (text === "^") return { kind: "place", holds: (whole, at) => at === 0 || (ofLines && whole[at - 1] === "\n") };
  if (text === "$")
    return { kind: "place", holds: (whole, at) => at === whole.length || (ofLines && whole[at] === "\n") };
  if (/^\\b$/i.test(text)) {
    const isWord = (whole: string, at: number) => /\w/.test(whole[at] ?? "");
    const holds = (whole: string, at: number) => isWord(whole, at) !== isWord(whole, at - 1);
    return { kind: "place", holds: text === "\\b" ? holds : (whole, at) => !holds(whole, at) };
  }
  const form = new RegExp(`^(?:${text})$`, flags.replaceAll(/[gy]/g, ""));
  const known = new Map<string, boolean>();
  const has = (character: string): boolean => {
    const answer = known.get(character) ?? form.test(character);
    known.set(character, answer);
    return answer;
  };
  return { kind: "set", has };
}

/** Everything in it of one kind. */
export function partsOf(pattern: Pattern): readonly Pattern[] {
  switch (pattern.kind) {
    case "sequence":
      return [pattern, ...pattern.parts.flatMap(partsOf)];
    case "choice":
      return [pattern, ...pattern.options.flatMap(partsOf)];
    case "look":
    case "repeat":
      return [pattern, ...partsOf(pattern.part)];
    default:
      return [pattern];
  }
}

type Matcher = (at: number, then: (at: number) => boolean) => boolean;

/**
 * How many steps a backtracking engine takes to find every match of the pattern in the text, as `replace` with the flag g
 * does: each character, place and round that it looks at is one. It gives up above `most`.
 */
export function stepsFor(pattern: Pattern, text: string, most: number): number {
  let steps = 0;
  const isOver = () => ++steps > most;
  const matcherOf = (part: Pattern, backward: boolean): Matcher => {
    switch (part.kind) {
      case "set":
        return (at, then) => {
          if (isOver()) return false;
          const read = backward ? at - 1 : at;
          return part.has(text[read] ?? "") && then(backward ? read : at + 1);
        };
      case "place":
        return (at, then) => !isOver() && part.holds(text, at) && then(at);
      case "sequence": {
        const matchers = part.parts.map((one) => matcherOf(one, backward));
        if (backward) matchers.reverse();
        const from =
          (i: number): Matcher =>
          (at, then) =>
            i === matchers.length ? then(at) : (matchers[i] as Matcher)(at, (next) => from(i + 1)(next, then));
        return from(0);
      }
      case "choice": {
        const matchers = part.options.map((one) => matcherOf(one, backward));
        return (at, then) => matchers.some((matcher) => matcher(at, then));
      }
      case "look": {
        const matcher = matcherOf(part.part, part.behind);
        return (at, then) => matcher(at, () => true) !== part.negative && then(at);
      }
      case "repeat": {
        const matcher = matcherOf(part.part, backward);
        const { least, most: rounds, lazy } = part;
        const round =
          (done: number): Matcher =>
          (at, then) => {
            if (isOver()) return false;
            const again = () =>
              done < rounds && matcher(at, (next) => (next !== at || done < least) && round(done + 1)(next, then));
            if (done < least) return again();
            return lazy ? then(at) || again() : again() || then(at);
          };
        return round(0);
      }
    }
  };
  const matcher = matcherOf(pattern, false);
  for (let start = 0; start <= text.length && steps <= most; ) {
    let end = start;
    const found = matcher(start, (at) => {
      end = at;
      return true;
    });
    start = found ? Math.max(end, start + 1) : start + 1;
  }
  return steps;
}
