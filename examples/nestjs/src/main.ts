import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module.ts";

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
// Without it SIGTERM ends the process before any hook has run.
app.enableShutdownHooks();
await app.listen(Number(process.env.PORT ?? 0), "127.0.0.1");
console.log(await app.getUrl());
