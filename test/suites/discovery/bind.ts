import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A zone's records, one a line, without the SOA and NS records, which every zone has. */
export type Zone = readonly string[];

/** BIND, whose zone `test` is a file: its arguments, and how the zone is changed (then it is told by SIGHUP). */
export function configureBind(folder: string, port: number) {
  mkdirSync(folder, { recursive: true });
  let serial = 1;
  const setZone = (records: Zone) => {
    const soa = `@ 1 IN SOA ns.test. root.test. ${serial++} 60 60 60 1`;
    const text = ["$ORIGIN test.", "$TTL 1", soa, "@ 1 IN NS ns.test.", "ns 1 IN A 127.0.0.1", ...records, ""].join(
      "\n",
    );
    writeFileSync(join(folder, "test.zone"), text);
  };
  setZone([]);
  const configuration = `options {
  directory "${folder}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
};
controls { };
zone "test" { type primary; file "test.zone"; };
`;
  writeFileSync(join(folder, "named.conf"), configuration);
  return { args: ["-g", "-n", "1", "-c", join(folder, "named.conf")], setZone };
}
