import { createClient, type Transport } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";

/** Whether Connect's client tells its transport that a stream was left: from 2.3 on. */
export async function clientPassesReturnOn(): Promise<boolean> {
  let returned = false;
  const message = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false, value: {} }),
      return: async () => {
        returned = true;
        return { done: true, value: undefined };
      },
    }),
  };
  const headers = { header: new Headers(), trailer: new Headers() };
  const transport = { stream: async () => ({ ...headers, stream: true, message }) } as unknown as Transport;
  for await (const _ of createClient(EchoService, transport).serverStream({})) break;
  return returned;
}
