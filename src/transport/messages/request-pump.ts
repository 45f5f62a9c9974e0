import { AsyncResource } from "node:async_hooks";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describeValue } from "../../base/check.ts";
import { earlyError } from "../../base/connect-error.ts";
import type { ChannelCall } from "../../channel/channel.ts";
import { compressedFlag } from "../../protocol/framing.ts";
import type { Codec } from "../codec.ts";
import type { MethodInfo } from "../method-info.ts";
import { tellEnded } from "./tell-ended.ts";
import type { TurnQuota } from "./turn-quota.ts";

/** What a pump sends to. */
export type PumpedCall = Pick<ChannelCall, "send" | "halfClose">;

/**
 * Reads a caller's request messages and sends them, no faster than the peer takes them. The caller's code runs in the
 * caller's own async context, whatever socket event made room.
 */
export class RequestPump<I extends DescMessage> extends AsyncResource {
  readonly #codec: Codec;
  readonly #method: MethodInfo;
  readonly #quota: TurnQuota;
  readonly #onError: (error: unknown) => void;
  /** Undefined once it has ended, by itself or because it was told to. */
  #iterator: AsyncIterator<MessageInitShape<I>> | undefined;
  #call: PumpedCall | undefined;
  #blocked = false;
  #halfClosed = false;

  /** `onError` hears what the caller's iterable throws, and what serialization or compression does. */
  constructor(codec: Codec, method: MethodInfo, quota: TurnQuota, onError: (error: unknown) => void) {
    super("GlinkRequestStream");
    this.#codec = codec;
    this.#method = method;
    this.#quota = quota;
    this.#onError = onError;
  }

  start(messages: AsyncIterable<MessageInitShape<I>>, call: PumpedCall): void {
    this.#call = call;
    try {
      const iterator = messages[Symbol.asyncIterator]();
      if (typeof iterator?.next !== "function") {
        throw new TypeError(`[Symbol.asyncIterator]() must return an iterator, not ${describeValue(iterator)}`);
      }
      this.#iterator = iterator;
    } catch (error) {
      this.#onError(error);
      return;
    }
    this.#pull();
  }

  /** The peer takes more. */
  writable(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#goOn();
  }

  /** The call is over: the caller's iterable is told. */
  stop(error: unknown): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    if (iterator !== undefined) this.runInAsyncScope(() => tellEnded(iterator, error));
  }

  /** Runs in the caller's async context, and so does what follows the promise. */
  #pull(): void {
    const iterator = this.#iterator;
    if (iterator === undefined) return;
    try {
      iterator.next().then(this.#onNext, this.#onRejected);
    } catch (error) {
      this.#onRejected(error);
    }
  }

  readonly #onNext = (result: IteratorResult<MessageInitShape<I>>): void => {
    if (this.#iterator === undefined) return;
    try {
      if (result.done === true) {
        this.#iterator = undefined;
        if (!this.#halfClosed) this.#call?.halfClose();
        return;
      }
      if (this.#halfClosed) {
        throw earlyError("invalid-request", Code.Unimplemented, "protocol error: received extra input message");
      }
      const message = this.#codec.encode(this.#method, result.value);
      const compressed = this.#codec.compress(message);
      if (compressed === undefined) this.#send(message, 0);
      else if (compressed instanceof Uint8Array) this.#send(compressed, compressedFlag);
      else compressed.then(this.#sendCompressed, this.#onError);
    } catch (error) {
      this.#onError(error);
    }
  };

  /** The caller's iterable threw, and by that has ended. */
  readonly #onRejected = (error: unknown): void => {
    if (this.#iterator === undefined) return;
    this.#iterator = undefined;
    this.#onError(error);
  };

  readonly #sendCompressed = (message: Uint8Array): void => this.#send(message, compressedFlag);

  #send(message: Uint8Array, flag: number): void {
    if (this.#iterator === undefined || this.#call === undefined) return;
    if (this.#method.singleRequest) {
      // The only message: END_STREAM leaves with it. Reading on lets the caller's iterable end in its own way.
      this.#halfClosed = true;
      this.#call.halfClose(message, flag);
      this.#pull();
      return;
    }
    // Before it is sent: the peer may take more, and say so, within `send`.
    this.#blocked = true;
    this.#quota.spend(message.length);
    if (!this.#call.send(message, flag) || !this.#blocked) return;
    this.#blocked = false;
    if (this.#quota.isSpent) this.#quota.wait(this.#goOn);
    else this.#pull();
  }

  readonly #goOn = (): void => {
    if (this.#quota.isSpent) this.#quota.wait(this.#goOn);
    else this.runInAsyncScope(this.#pull, this);
  };
}
