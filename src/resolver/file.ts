import { checkNames, checkNumber, checkObject, describeValue } from "../base/check.ts";
import { Late } from "../runtime/late.ts";
import type { Resolver } from "./resolver.ts";
import { watchList } from "./watch-list.ts";

/** How a file is watched. */
export interface FileResolverOptions {
  /**
   * The file is looked at this often, and at once where the operating system tells of a change. In milliseconds, 100 to
   * 3 600 000, default 1 000.
   */
  pollIntervalMs?: number;
}

/**
 * Backends from a JSON file, which is read again whenever it changes: written in place, renamed, or swapped through a
 * symbolic link as Kubernetes does with ConfigMaps.
 *
 * `{ "endpoints": [{ "address": "10.0.0.1:50051", "weight": 2, "zone": "a", "priority": 0 }, "10.0.0.2:50051"] }`: an address
 * without a port takes that of `baseUrl`. Also `hostname`, `hashKey`, and `addresses` in the place of `address`. A file that
 * cannot be read, is not valid or has no endpoint keeps the last good list, and the error says where it is wrong.
 *
 * Throws a TypeError or RangeError that names the option.
 */
export function fileResolver(path: string, options: FileResolverOptions = {}): Resolver {
  if (typeof path !== "string" || path === "") {
    throw new TypeError(`fileResolver needs a path, like "/etc/backends.json", not ${describeValue(path)}`);
  }
  checkObject("the options of fileResolver", options);
  checkNames("fileResolver", options, ["pollIntervalMs"]);
  const { pollIntervalMs = 1_000 } = options;
  checkNumber("fileResolver.pollIntervalMs", pollIntervalMs, { min: 100, max: 3_600_000 });
  return {
    name: "file",
    watch({ port }, listener, runtime) {
      const file = new Late(async () => {
        const { WatchedFile } = await import("./watched-file.ts");
        return new WatchedFile({ path, port, pollIntervalMs }, runtime);
      });
      return watchList({ run: async (run) => (await file.get()).follow(run) }, listener, runtime);
    },
  };
}
