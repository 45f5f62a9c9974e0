import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { Inject, Module, type OnApplicationShutdown } from "@nestjs/common";
import { TerminusModule } from "@nestjs/terminus";
import { type GlinkTransport, glinkTransport, staticResolver } from "glink";
import { Greeter } from "greeter";
import { GreeterHealth } from "./greeter.health.ts";
import { GREETER, GREETER_TRANSPORT } from "./greeter.tokens.ts";

export type GreeterClient = Client<typeof Greeter>;

const { GREETER_URL = "http://greeter.shop.svc.cluster.local:50051", GREETER_ADDRESSES } = process.env;

/** One transport for the target, a client for each of its services, and their end with the application. */
@Module({
  imports: [TerminusModule],
  providers: [
    {
      provide: GREETER_TRANSPORT,
      useFactory: () =>
        glinkTransport({
          baseUrl: GREETER_URL,
          defaultTimeoutMs: 5_000,
          // Where there is no DNS that knows the backends.
          ...(GREETER_ADDRESSES && { resolver: staticResolver(GREETER_ADDRESSES.split(",")) }),
        }),
    },
    {
      provide: GREETER,
      useFactory: (transport: Transport): GreeterClient => createClient(Greeter, transport),
      inject: [GREETER_TRANSPORT],
    },
    GreeterHealth,
  ],
  exports: [GREETER, GreeterHealth],
})
export class GreeterModule implements OnApplicationShutdown {
  constructor(@Inject(GREETER_TRANSPORT) private readonly transport: GlinkTransport) {}

  /** Nest calls it when its HTTP server has answered what it had: until then requests may want to call. */
  async onApplicationShutdown(): Promise<void> {
    await this.transport.close({ timeoutMs: 10_000 });
    console.log("transport closed");
  }
}
