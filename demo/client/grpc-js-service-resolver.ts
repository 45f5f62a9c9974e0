import { experimental, Metadata, status } from "@grpc/grpc-js";
import { ServiceWatch } from "./service-lookup.ts";

type Resolver = Parameters<typeof experimental.registerResolver>[1];
type Target = ConstructorParameters<Resolver>[0];
type Listener = ConstructorParameters<Resolver>[1];
type Options = ConstructorParameters<Resolver>[2];

/** For backends that differ by port: targets of the scheme `srv`, asked as often as grpc-js' own DNS resolver asks. */
class ServiceResolver {
  readonly #target: Target;
  readonly #listener: Listener;
  readonly #minIntervalMs: number;
  #watch: ServiceWatch | undefined;

  constructor(target: Target, listener: Listener, options: Options) {
    this.#target = target;
    this.#listener = listener;
    this.#minIntervalMs = options["grpc.dns_min_time_between_resolutions_ms"] ?? 30_000;
  }

  static getDefaultAuthority({ path }: Target): string {
    return path;
  }

  updateResolution(): void {
    this.#watch ??= new ServiceWatch({
      dnsServer: this.#target.authority ?? "",
      name: this.#target.path,
      minIntervalMs: this.#minIntervalMs,
      onBackends: (backends) => {
        const endpoints = backends.map((backend) => ({ addresses: [backend] }));
        this.#listener(experimental.statusOrFromValue(endpoints), {}, null, "");
      },
      onError: (error) => {
        const failure = { code: status.UNAVAILABLE, details: String(error), metadata: new Metadata() };
        this.#listener(experimental.statusOrFromError(failure), {}, null, "");
      },
    });
    this.#watch.refresh();
  }

  destroy(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }
}

export function register(): void {
  experimental.registerResolver("srv", ServiceResolver);
}
