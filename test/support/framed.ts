import { frameMessage } from "../../src/protocol/framing.ts";
import { MessageMemory } from "../../src/protocol/message-memory.ts";

/** A message as gRPC puts it into a body, in memory of its own. */
export function framed(payload: Uint8Array, flag = 0): Uint8Array {
  return frameMessage(payload, flag, new MessageMemory());
}
