import { Controller, Get, Inject, Module, Param } from "@nestjs/common";
import { HealthCheck, HealthCheckService, TerminusModule } from "@nestjs/terminus";
import { GreeterHealth } from "./greeter.health.ts";
import { type GreeterClient, GreeterModule } from "./greeter.module.ts";
import { GREETER } from "./greeter.tokens.ts";

@Controller()
class GreetController {
  constructor(@Inject(GREETER) private readonly greeter: GreeterClient) {}

  @Get("greet/:name")
  async greet(@Param("name") name: string) {
    const { greeting, servedBy } = await this.greeter.greet({ name }, { timeoutMs: 2_000 });
    return { greeting, servedBy };
  }
}

@Controller("health")
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly checks: HealthCheckService,
    @Inject(GreeterHealth) private readonly greeter: GreeterHealth,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.checks.check([() => this.greeter.isHealthy("greeter")]);
  }
}

@Module({ imports: [GreeterModule, TerminusModule], controllers: [GreetController, HealthController] })
export class AppModule {}
