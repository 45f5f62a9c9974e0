import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Health, ServingStatus } from "./health.ts";

/** What a server says of itself or of one of its services. */
export type Serving = "serving" | "not-serving";

/** The server's half of gRPC health checking. */
export interface HealthService {
  /** Adds `grpc.health.v1.Health` to a Connect server: `connectNodeAdapter({ routes: health.routes })`. */
  readonly routes: (router: ConnectRouter) => void;
  /** Says of a service how it is; `""` is the server as a whole. Who watches it hears of a change. */
  set(service: string, serving: Serving): void;
  /**
   * Says of all that they do not serve, for good, and ends watches once they have been told: the first step of a shutdown,
   * before the server's own, which would wait for them. Idempotent.
   */
  stop(): void;
}

/**
 * `grpc.health.v1.Health` of a server: what `grpc:` probes of Kubernetes, grpcurl, and the option `healthCheck` of other
 * clients ask for. The server as a whole, `""`, and the `services` named here (default: none) serve from the start.
 * Throws a TypeError for names that are no strings.
 */
export function healthService(services: readonly string[] = []): HealthService {
  if (!Array.isArray(services)) {
    throw new TypeError(`healthService takes an array of names of services, not ${String(services)}`);
  }
  const health = new Healths();
  for (const service of ["", ...services]) health.set(service, "serving");
  return {
    routes: (router) => {
      router.service(Health, {
        check: ({ service }) => ({ status: health.statusOf(service) ?? unknown() }),
        watch: ({ service }, { signal }) => health.watch(service, signal),
      });
    },
    set: (service, serving) => health.set(service, serving),
    stop: () => health.stop(),
  };
}

class Healths {
  readonly #statuses = new Map<string, Serving>();
  /** Of watches that wait for a change. */
  readonly #wakes = new Set<() => void>();
  #stopped = false;

  set(service: string, serving: Serving): void {
    if (typeof service !== "string")
      throw new TypeError(`the name of a service must be a string, not ${String(service)}`);
    if (serving !== "serving" && serving !== "not-serving") {
      throw new TypeError(`a service is "serving" or "not-serving", not ${String(serving)}`);
    }
    this.#statuses.set(service, serving);
    this.#wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  statusOf(service: string): number | undefined {
    const serving = this.#statuses.get(service);
    if (serving === undefined) return undefined;
    return serving === "serving" && !this.#stopped ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  /** The status, and each that differs from the one before, until the watch is given up or the server stops. */
  async *watch(service: string, signal: AbortSignal): AsyncGenerator<{ status: number }> {
    let told: number | undefined;
    while (!signal.aborted) {
      const status = this.statusOf(service) ?? ServingStatus.SERVICE_UNKNOWN;
      if (status !== told) {
        told = status;
        yield { status };
      } else if (this.#stopped) {
        return;
      } else {
        await this.#change(signal);
      }
    }
  }

  /** Resolves with the next change, or when the watch is given up. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wakes.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wakes.add(wake);
      signal.addEventListener("abort", wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#wakes]) wake();
  }
}

/** Without its name, which may be as long as a message: an error's text is a header. */
function unknown(): never {
  throw new ConnectError("unknown service", Code.NotFound);
}
