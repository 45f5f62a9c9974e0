import { joinMessages } from "../../src/protocol/framed-message.ts";
import { frameMessage } from "../../src/protocol/framing.ts";
import { MessageMemory } from "../../src/protocol/message-memory.ts";

/** A message as gRPC puts it into a body, in one piece. */
export function framed(payload: Uint8Array, flag = 0): Uint8Array {
  return joinMessages([frameMessage(payload, flag, new MessageMemory())]);
}
