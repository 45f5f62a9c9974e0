// The part of AWS: a process that is given events, and that may be frozen whenever it has none.
import { handler } from "./handler.js";

process.on("message", async ({ id, event, timeoutMs }) => {
  const endsMs = performance.now() + timeoutMs;
  const context = { getRemainingTimeInMillis: () => endsMs - performance.now() };
  try {
    process.send({ id, result: await handler(event, context) });
  } catch (error) {
    process.send({ id, error: error.message });
  }
});
