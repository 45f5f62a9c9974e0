import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module.ts";

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
// Without it SIGTERM ends the process before any hook has run.
app.enableShutdownHooks();
// In a pod HOST is 0.0.0.0: probes and callers come from outside of it.
const { HOST = "127.0.0.1", PORT = "0" } = process.env;
await app.listen(Number(PORT), HOST);
console.log(await app.getUrl());
