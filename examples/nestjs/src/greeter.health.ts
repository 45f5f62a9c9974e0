import { Inject, Injectable } from "@nestjs/common";
import { HealthIndicatorService } from "@nestjs/terminus";
import type { GlinkTransport } from "glink";
import { GREETER_TRANSPORT } from "./greeter.tokens.ts";

/** Up while a backend can be reached. `ready()` starts to connect if nothing has yet, so a probe may be the first to ask. */
@Injectable()
export class GreeterHealth {
  constructor(
    // Named, because esbuild, which tsx and Vitest run on, does not tell Nest the types of parameters.
    @Inject(GREETER_TRANSPORT) private readonly transport: GlinkTransport,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
  ) {}

  async isHealthy(key: string) {
    const indicator = this.indicators.check(key);
    try {
      await this.transport.ready({ timeoutMs: 500 });
      return indicator.up();
    } catch (error) {
      return indicator.down({ message: (error as Error).message });
    }
  }
}
