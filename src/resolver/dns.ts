import { lookup } from "node:dns";
import type { Resolver } from "./resolver.ts";

/** thin */
export function dnsResolver(): Resolver {
  return {
    name: "dns",
    watch(target, listener) {
      const refresh = () =>
        lookup(target.host, { all: true }, (error, list) => {
          if (error) listener.onError(error);
          else listener.onAddresses(list.map(({ address }) => ({ host: address, port: target.port })));
        });
      refresh();
      return { refresh, close: () => undefined };
    },
  };
}
