// A function that is frozen between calls, as AWS Lambda does it. The transport is made once, outside of the handler, and
// lives on with the process: while that is frozen its timers stand still, and connections die without a word.
import { createClient } from "@connectrpc/connect";
import { glinkTransport, staticResolver } from "glink";
import { Greeter } from "greeter";

const { GREETER_URL = "https://greeter.example.com", GREETER_ADDRESSES } = process.env;

const transport = glinkTransport({
  baseUrl: GREETER_URL,
  // Where there is no DNS that knows the backends.
  ...(GREETER_ADDRESSES && { resolver: staticResolver(GREETER_ADDRESSES.split(",")) }),
  // A connection that died while the process was frozen, and nobody said so, costs a call this long and no more.
  retry: { perAttemptTimeoutMs: 1_000 },
  pingTimeoutMs: 2_000,
});
const client = createClient(Greeter, transport);

/** What Lambda calls. The context tells how much time the function has left: the call keeps a little for the answer. */
export async function handler(event, context) {
  const timeoutMs = Math.max(1, context.getRemainingTimeInMillis() - 200);
  const { greeting } = await client.greet({ name: event.name }, { timeoutMs });
  return { statusCode: 200, body: greeting };
}
