import { readFileSync } from "node:fs";
import type { ProbeOptions } from "../index.ts";
import { type Reach, UsageError } from "./arguments.ts";
import { plain } from "./output.ts";

/** Options of TLS from the files of the command line. Throws a {@link UsageError} for one that cannot be read. */
export function tlsOptions({ ca, cert, key, servername }: Reach): NonNullable<ProbeOptions["tls"]> {
  return {
    ...(ca !== undefined && { ca: read("--ca", ca) }),
    ...(cert !== undefined && { cert: read("--cert", cert) }),
    ...(key !== undefined && { key: read("--key", key) }),
    ...(servername !== undefined && { servername }),
  };
}

function read(option: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${option} cannot be read: ${plain(error instanceof Error ? error.message : String(error))}`);
  }
  // Node takes any text as a list of authorities, an empty one, and then trusts nobody.
  if (!text.includes("-----BEGIN ")) throw new UsageError(`${option}: ${plain(path)} is no PEM file`);
  return text;
}
