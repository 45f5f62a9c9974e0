import { Resolver } from "node:dns/promises";

/** Where one backend listens. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** How long one try of a query may take. The server is on this machine. */
export const queryTimeoutMs = 1_000;

/**
 * The backends of a service by its SRV records (RFC 2782), which name ports where A records name addresses alone.
 * Kubernetes publishes such records for the named ports of a headless Service.
 */
export async function lookUpService(dnsServer: string, name: string): Promise<HostAndPort[]> {
  const resolver = new Resolver({ timeout: queryTimeoutMs });
  resolver.setServers([dnsServer]);
  const records = await resolver.resolveSrv(`_grpc._tcp.${name}`);
  const backends = records.map(async ({ name: host, port }) => {
    const addresses = await resolver.resolve4(host);
    return addresses.map((address) => ({ host: address, port }));
  });
  return (await Promise.all(backends)).flat();
}

export interface ServiceWatchOptions {
  readonly dnsServer: string;
  readonly name: string;
  /** From one lookup to the next, however often one is asked for. */
  readonly minIntervalMs: number;
  readonly onBackends: (backends: HostAndPort[]) => void;
  readonly onError: (error: unknown) => void;
}

/** Looks a service up whenever it is told to, though not too often: what the resolvers of glink and grpc-js share. */
export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
  }

  /** Reports nothing before it has returned. A lookup that is already due serves for this one too. */
  refresh(): void {
    if (this.#timer !== undefined) return;
    const waitMs = Math.max(0, this.#lookedMs + this.#options.minIntervalMs - performance.now());
    this.#timer = setTimeout(() => void this.#look(), waitMs).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { dnsServer, name, onBackends, onError } = this.#options;
    this.#timer = undefined;
    this.#lookedMs = performance.now();
    try {
      const backends = await lookUpService(dnsServer, name);
      if (!this.#closed) onBackends(backends);
    } catch (error) {
      if (!this.#closed) onError(error);
    }
  }
}
