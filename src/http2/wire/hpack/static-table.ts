/** RFC 7541 appendix A: names and values in turn. Index 1 is the first pair. */
export const staticTable: readonly string[] = [
  ...[":authority", "", ":method", "GET", ":method", "POST", ":path", "/", ":path", "/index.html"],
  ...[":scheme", "http", ":scheme", "https", ":status", "200", ":status", "204", ":status", "206"],
  ...[":status", "304", ":status", "400", ":status", "404", ":status", "500", "accept-charset", ""],
  ...["accept-encoding", "gzip, deflate", "accept-language", "", "accept-ranges", "", "accept", ""],
  ...["access-control-allow-origin", "", "age", "", "allow", "", "authorization", "", "cache-control", ""],
  ...["content-disposition", "", "content-encoding", "", "content-language", "", "content-length", ""],
  ...["content-location", "", "content-range", "", "content-type", "", "cookie", "", "date", "", "etag", ""],
  ...["expect", "", "expires", "", "from", "", "host", "", "if-match", "", "if-modified-since", ""],
  ...["if-none-match", "", "if-range", "", "if-unmodified-since", "", "last-modified", "", "link", ""],
  ...["location", "", "max-forwards", "", "proxy-authenticate", "", "proxy-authorization", "", "range", ""],
  ...["referer", "", "refresh", "", "retry-after", "", "server", "", "set-cookie", "", "strict-transport-security", ""],
  ...["transfer-encoding", "", "user-agent", "", "vary", "", "via", "", "www-authenticate", ""],
];

/** Entries of the static table: the dynamic table's indices begin one above. */
export const staticEntries = 61;

/** §4.1: what an entry counts beyond its name and value. */
export const entryOverheadBytes = 32;

/** §6.5.2 of RFC 9113: SETTINGS_HEADER_TABLE_SIZE before anybody says otherwise. */
export const defaultTableBytes = 4_096;

/** Index of a pair, or 0. */
export function staticIndexOf(name: string, value: string): number {
  for (let i = 0; i < staticTable.length; i += 2) {
    if (staticTable[i] === name && staticTable[i + 1] === value) return i / 2 + 1;
  }
  return 0;
}

/** Index of the first pair with a name, or 0. */
export function staticNameIndexOf(name: string): number {
  for (let i = 0; i < staticTable.length; i += 2) if (staticTable[i] === name) return i / 2 + 1;
  return 0;
}
