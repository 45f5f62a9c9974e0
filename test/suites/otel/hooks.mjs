// Takes OpenTelemetry from another folder than the one that imports it: GLINK_OTEL_FOLDER.
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const parentURL = pathToFileURL(join(process.env.GLINK_OTEL_FOLDER, "index.js")).href;

registerHooks({
  resolve: (specifier, context, next) =>
    next(
      specifier,
      // What is imported there finds its own.
      specifier.startsWith("@opentelemetry/") && !context.parentURL?.startsWith(new URL(".", parentURL).href)
        ? { ...context, parentURL }
        : context,
    ),
});
