// What a platform lacks, each for `skip` of the tests that need it: the reason, or false where there is nothing to skip.
import { hasSignals } from "../../demo/signals.ts";

const isWindows = process.platform === "win32";

export const noSignals =
  !hasSignals && "Windows has no signals: it cannot stop a process and let it go on, nor ask it to end";
export const noUnixSockets = isWindows && "a Unix domain socket has no file on Windows";
export const noAbstractSockets = process.platform !== "linux" && "abstract socket names are Linux'";
export const noPipes = isWindows && "Windows has no mkfifo";
export const noFileLinks = isWindows && "Windows lets administrators alone link files";
export const noFullQueues =
  process.platform !== "linux" && "what a system answers where a listener's queue is full is its own; Linux is silent";
