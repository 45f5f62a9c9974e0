import type { Resolver as DnsClient } from "node:dns/promises";
import { hostname } from "node:os";
import { describeCause } from "../base/thrown.ts";
import { builtinModule } from "../runtime/builtin-modules.ts";
import { isAbsence } from "./family-query.ts";
import { type ConfigClient, configOfRecords } from "./service-config-record.ts";

/** A query keeps the process alive: it is given up after two packets. */
const packetTimeoutMs = 1_000;

/** Asks for the TXT record of a name that has its service config (gRFC A2). */
export class ServiceConfigQuery {
  readonly #name: string;
  readonly #client: ConfigClient;
  readonly #dns: DnsClient;

  /** `servers`: undefined, those of the operating system. `percent`: as {@link ConfigClient} has it. */
  constructor(host: string, servers: readonly string[] | undefined, percent: number) {
    const { Resolver } = builtinModule("node:dns/promises");
    this.#name = `_grpc_config.${host}`;
    this.#client = { hostname: hostname(), percent };
    this.#dns = new Resolver({ timeout: packetTimeoutMs, tries: 2 });
    if (servers !== undefined) this.#dns.setServers(servers);
  }

  /**
   * The config of the record as it came, undefined where there is none, and the error of one that cannot be read. `last`
   * where nobody can say. Never rejects.
   */
  async ask(last: object | Error | undefined): Promise<object | Error | undefined> {
    let records: string[][];
    try {
      records = await this.#dns.resolveTxt(this.#name);
    } catch (error) {
      return isAbsence(error) ? undefined : last;
    }
    try {
      return configOfRecords(records, this.#client);
    } catch (cause) {
      return new Error(`the TXT record ${this.#name} cannot be used: ${describeCause(cause)}`, { cause });
    }
  }

  cancel(): void {
    this.#dns.cancel();
  }
}
