/** Where the core's modules are in the package's folder: in both builds, and as source. This extension is in a folder among them. */
const parts = ["/dist/esm/", "/dist/cjs/", "/src/"];

/** What comes ahead of a path in a line of a stack: the function's name and a bracket, if there is one, and of ES modules a scheme. */
const aheadOfPath = /^\s*at (?:[^/(]*\()?(?:file:\/\/)?/;

/** Which lines of a stack are the core's: told by `ownStack`, one that was made in a file of this extension, in whatever folder that is. */
export function packageLines(ownStack: string): (line: string) => boolean {
  const folder = ownStack
    .split("\n")
    .map((line) => folderOf(slashed(line)))
    .find((found) => found !== undefined);
  if (folder === undefined) throw new Error(`glink/testing cannot tell where it is from this stack: ${ownStack}`);
  return (line) =>
    parts.some((part) => {
      const text = slashed(line);
      const at = text.indexOf(folder + part);
      return at !== -1 && !text.startsWith("testing/", at + folder.length + part.length);
    });
}

function folderOf(line: string): string | undefined {
  const ahead = aheadOfPath.exec(line)?.[0].length ?? 0;
  const ends = parts.map((part) => line.lastIndexOf(`${part}testing/`)).filter((end) => end >= ahead);
  return ends.length === 0 ? undefined : line.slice(ahead, Math.max(...ends));
}

/** On Windows a CommonJS module's path has backslashes, and an ES module's URL has none. */
function slashed(line: string): string {
  return line.replaceAll("\\", "/");
}
