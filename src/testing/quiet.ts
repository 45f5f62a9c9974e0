import { type OpenResource, OpenResources } from "./open-resources.ts";

/** The folder of the package, of which this file knows its own part: a stack tells it in both builds. */
const folder = /(?:file:\/\/)?([^\s()]*?)(?:\/dist\/(?:esm|cjs)|\/src)\/testing\//.exec(new Error().stack ?? "")?.[1];

/** As deep as the way from glink's own code to what Node makes for it. */
const stackFrames = 30;

/**
 * Runs `work`, and then checks that glink left nothing open which it opened meanwhile: no socket, no timer, no lookup. That
 * is so when each transport was closed. What tests and other libraries open is their own affair. Sockets have a second to
 * close. Returns what `work` returns; rejects with its error, or with one that lists what is left and where it was made.
 */
export async function expectQuiet<T>(work: () => T | Promise<T>): Promise<T> {
  const resources = new OpenResources(stackFrames);
  resources.start();
  try {
    const result = await work();
    const left = await resources.left(isOfGlink);
    if (left.length > 0) throw new Error(`glink left ${left.length} open: ${left.map(describe).join("; ")}`);
    return result;
  } finally {
    resources.stop();
  }
}

function isOfGlink({ madeAt }: OpenResource): boolean {
  return madeAt.some(isLineOfGlink);
}

function describe({ type, madeAt }: OpenResource): string {
  return `${type} made ${madeAt.find(isLineOfGlink)}`;
}

/** The core's: this extension is in the same folder. */
function isLineOfGlink(line: string): boolean {
  if (folder === undefined) return false;
  return ["/dist/esm/", "/dist/cjs/", "/src/"].some((part) => {
    const at = line.indexOf(folder + part);
    return at !== -1 && !line.startsWith("testing/", at + folder.length + part.length);
  });
}
