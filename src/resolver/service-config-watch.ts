import type { Address } from "../endpoint/address.ts";
import { endpointOf } from "../endpoint/endpoint.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import { Late } from "../runtime/late.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ResolverListener, ResolverWatch } from "./resolver.ts";
import { sameConfig } from "./same-config.ts";
import type { ServiceConfigQuery } from "./service-config-query.ts";

/** The first list of addresses waits so long for the record: calls shall not wait for a server that never answers it. */
const firstWaitMs = 1_000;

interface Addresses {
  readonly preferred: readonly Address[];
  readonly fallback: readonly Address[];
}

/** What is asked, and whom. */
export interface ServiceConfigWatchOptions {
  readonly host: string;
  /** Undefined: those of the operating system. */
  readonly servers: readonly string[] | undefined;
}

/**
 * Adds the service config of a name to what another watch finds: the TXT record `_grpc_config.` and the name, asked for
 * whenever the addresses were (gRFC A2). Without an answer the last config stays.
 */
export class ServiceConfigWatch implements ResolverWatch {
  readonly #listener: ResolverListener;
  readonly #clock: Clock;
  readonly #query: Late<ServiceConfigQuery>;
  readonly #watch: ResolverWatch;
  /** The newest. */
  #addresses: Addresses | undefined;
  /** Of the record as it came; the error of one that cannot be read. */
  #config: object | Error | undefined;
  #isKnown = false;
  #isAsking = false;
  #timer: TimerHandle | undefined;
  #isClosed = false;

  /** `watch`: of the addresses. It reports them in their short form. */
  constructor(
    { host, servers }: ServiceConfigWatchOptions,
    watch: (listener: ResolverListener) => ResolverWatch,
    listener: ResolverListener,
    { clock, random }: Runtime,
  ) {
    this.#listener = listener;
    this.#clock = clock;
    const percent = random.next() * 100;
    this.#query = new Late(async () => {
      const { ServiceConfigQuery } = await import("./service-config-query.ts");
      return new ServiceConfigQuery(host, servers, percent);
    });
    void this.#ask();
    this.#watch = watch({
      onResolution: (resolution) => listener.onResolution(resolution),
      onAddresses: (preferred, fallback = []) => this.#found({ preferred, fallback }),
      onError: (error) => listener.onError(error),
      onLookupStarted: () => listener.onLookupStarted?.(),
    });
  }

  refresh(): void {
    this.#watch.refresh();
  }

  get nextLookupMs(): number | undefined {
    return this.#watch.nextLookupMs;
  }

  close(): void {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#timer);
    this.#watch.close();
    this.#query.get().then(
      (query) => query.cancel(),
      () => undefined,
    );
  }

  #found(addresses: Addresses): void {
    const isFirst = this.#addresses === undefined;
    this.#addresses = addresses;
    if (this.#isKnown) this.#report();
    else if (isFirst) this.#timer = this.#clock.setTimeout(() => this.#know(this.#config), firstWaitMs);
    if (!isFirst) void this.#ask();
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const query = await this.#query.get().catch((error: Error) => error);
    if (this.#isClosed) return;
    const config = query instanceof Error ? query : await query.ask(this.#config);
    this.#isAsking = false;
    if (!this.#isClosed) this.#know(config);
  }

  #know(config: object | Error | undefined): void {
    // What was merely read again is not told: whoever doubts a list that lacks backends would take it for a second answer.
    const isNews = !this.#isKnown || !sameConfig(config, this.#config);
    this.#clock.clearTimeout(this.#timer);
    this.#isKnown = true;
    if (!isNews) return;
    this.#config = config;
    this.#report();
  }

  #report(): void {
    if (this.#addresses === undefined) return;
    const { preferred, fallback } = this.#addresses;
    const config = this.#config;
    this.#listener.onResolution({
      endpoints: preferred.map(endpointOf),
      fallback: fallback.map(endpointOf),
      config,
    });
  }
}
