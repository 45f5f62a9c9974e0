import { writeFileSync } from "node:fs";
import type { FakeDns } from "../src/testing/index.ts";
import type { Backend } from "./fleet.ts";

/** Where clients find the backends: told of the whole list whenever it changes. */
export interface Listing {
  publish(listed: readonly Backend[]): Promise<void>;
}

/** As CoreDNS answers for a headless Service. */
const ttlSeconds = 5;

/** A name of the demo's DNS server. */
export class DnsListing implements Listing {
  readonly #dns: FakeDns;
  readonly #serviceName: string;

  constructor(dns: FakeDns, serviceName: string) {
    this.#dns = dns;
    this.#serviceName = serviceName;
  }

  async publish(listed: readonly Backend[]): Promise<void> {
    const addresses = [...new Set(listed.map(({ host }) => host))];
    this.#dns.set(this.#serviceName, { addresses, ttlSeconds });
    // Asked for where backends differ by port.
    const services = listed.map(({ port }) => ({ target: this.#serviceName, port }));
    this.#dns.set(`_grpc._tcp.${this.#serviceName}`, { services, ttlSeconds });
  }
}

/** A file, as fileResolver reads it. */
export class FileListing implements Listing {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async publish(listed: readonly Backend[]): Promise<void> {
    writeFileSync(this.#path, JSON.stringify({ endpoints: listed.map(({ address }) => address) }));
  }
}
