import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { Greeter } from "greeter";

/** The code that is tested: it calls, and does without an answer where there is nobody to give one. */
export async function welcome(greeter: Client<typeof Greeter>, name: string): Promise<string> {
  try {
    const { greeting } = await greeter.greet({ name }, { timeoutMs: 2_000 });
    return greeting;
  } catch (error) {
    if (ConnectError.from(error).code === Code.Unavailable) return "welcome";
    throw error;
  }
}
