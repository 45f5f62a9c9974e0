/** A duration as a person reads it: `0.24 ms`, `31 ms`, `5.0 s`. */
export function milliseconds(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${ms >= 10 ? Math.round(ms) : ms >= 1 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

/** How long something is there: `8 s`, `12 min`, `5 h`, `3 d`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/** `64 KiB`, `8 MiB`, `65535 B`: whole units only, because limits are. */
export function bytes(count: number): string {
  if (count >= 2 ** 20 && count % 2 ** 20 === 0) return `${count / 2 ** 20} MiB`;
  return count >= 2 ** 10 && count % 2 ** 10 === 0 ? `${count / 2 ** 10} KiB` : `${count} B`;
}

/** `1 address`, `3 addresses`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}

/** Lines of at most `columns`, cut between words; a word that is longer stands alone. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Exactly so many columns: filled up, or cut with an ellipsis. */
export function cell(text: string, columns: number, isFigure = false): string {
  const cut = text.length > columns ? `${text.slice(0, Math.max(0, columns - 1))}…` : text;
  return isFigure ? cut.padStart(columns) : cut.padEnd(columns);
}
