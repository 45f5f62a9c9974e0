/** Words for loads, where readers are not expected to know their names. */
const titles: Readonly<Record<string, string>> = {
  "unary-c1": "unary, one at a time",
  "unary-c8": "unary, 8 at a time",
  "unary-c32": "unary, small",
  "unary-c256": "unary, 256 at a time",
  "unary-tls": "unary, small, TLS",
  "unary-pool-1": "unary over a pool of 1",
  "unary-pool-10": "unary over a pool of 10",
  "unary-pool-1000": "unary over a pool of 1 000",
  "unary-metadata-10": "unary, 10 pairs of metadata",
  "unary-deadline": "unary, with a deadline",
  "unary-interceptor": "unary, passing interceptor",
  "unary-interceptor-header": "unary, interceptor sets a header",
  "unary-gzip-1KiB": "unary, 1 KiB, gzip",
  "unary-gzip": "unary, 4 KiB, gzip",
  "unary-gzip-16KiB": "unary, 16 KiB, gzip",
  "unary-gzip-64KiB": "unary, 64 KiB, gzip",
  "unary-64KiB": "unary, 64 KiB",
  "unary-1MiB": "unary, 1 MiB",
  "unary-16MiB": "unary, 16 MiB",
  "unary-tls-64KiB": "unary, 64 KiB, TLS",
  "unary-tls-1MiB": "unary, 1 MiB, TLS",
  "unary-tls-16MiB": "unary, 16 MiB, TLS",
  "server-stream-100": "server stream, 100 messages",
  "server-stream-10000": "server stream, 10 000 messages",
  "bidi-100": "bidi stream, 100 messages",
  "client-stream-100": "client stream, 100 messages",
  "unary-grpc-web": "unary, gRPC-Web",
  "unary-connect": "unary, Connect",
  "stream-grpc-web": "server stream, gRPC-Web",
  "stream-connect": "server stream, Connect",
  "unary-retry-off": "unary, with retries against without",
};

/** Those that the picture has, in its order. */
export const pictured: readonly string[] = [
  "unary-c32",
  "unary-tls",
  "unary-pool-1000",
  "unary-interceptor",
  "unary-gzip",
  "unary-64KiB",
  "unary-1MiB",
  "unary-16MiB",
  "server-stream-100",
  "bidi-100",
];

/** Its name where there are no words for it. */
export function titleOf(load: string): string {
  return titles[load] ?? load;
}
