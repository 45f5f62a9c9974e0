import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { MethodSpec } from "../base/method-spec.ts";
import type { MethodHead } from "../http2/connection.ts";

/** What is constant for a method of one transport: made at its first call. */
export interface MethodInfo extends MethodSpec {
  readonly desc: DescMethod;
  readonly head: MethodHead;
  /** The URL that interceptors see. */
  readonly url: string;
  /** Both throw ConnectErrors. */
  serialize(message: Message): Uint8Array;
  parse(bytes: Uint8Array): Message;
}
