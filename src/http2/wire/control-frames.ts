import { goawayDebugText, http2ErrorCode } from "../error-codes.ts";
import type { FrameWriter } from "./frame-writer.ts";
import {
  defaultFrameBytes,
  frameFlag,
  frameName,
  frameType,
  largestFrameBytes,
  largestWindowBytes,
  readUint31,
  readUint32,
  settingId,
} from "./frames.ts";
import type { HpackEncoder } from "./hpack/encoder.ts";
import type { RequestSender } from "./request-sender.ts";
import type { Session } from "./session.ts";

/** Payload lengths that RFC 9113 §6 fixes. */
const fixedLength: Readonly<Record<number, number>> = {
  [frameType.priority]: 5,
  [frameType.rstStream]: 4,
  [frameType.ping]: 8,
  [frameType.windowUpdate]: 4,
};

const connectionFrames = new Set<number>([frameType.settings, frameType.ping, frameType.goaway]);
const streamFrames = new Set<number>([frameType.priority, frameType.rstStream]);

/** Reads the frames that carry no part of a response (RFC 9113 §6.3 to §6.9), and answers those that want an answer. */
export class ControlFrames {
  readonly #session: Session;
  readonly #writer: FrameWriter;
  readonly #sender: RequestSender;
  readonly #encoder: HpackEncoder;

  constructor(session: Session, writer: FrameWriter, sender: RequestSender, encoder: HpackEncoder) {
    this.#session = session;
    this.#writer = writer;
    this.#sender = sender;
    this.#encoder = encoder;
  }

  read(type: number, flags: number, streamId: number, payload: Buffer, start: number, end: number): void {
    if (!this.#isWellFormed(type, streamId, end - start)) return;
    switch (type) {
      case frameType.windowUpdate:
        this.#windowUpdate(streamId, readUint31(payload, start));
        break;
      case frameType.rstStream:
        this.#rstStream(streamId, readUint32(payload, start));
        break;
      case frameType.ping:
        this.#ping(flags, payload.subarray(start, end));
        break;
      case frameType.settings:
        this.#settings(flags, payload, start, end);
        break;
      case frameType.goaway:
        if (!this.#session.tolerates("goaway")) break;
        this.#session.goawayReceived({
          lastStreamId: readUint31(payload, start),
          code: readUint32(payload, start + 4),
          debug: goawayDebugText(payload.subarray(start + 8, end)),
        });
        break;
      case frameType.pushPromise:
        this.#session.breach(http2ErrorCode.protocolError, "sent PUSH_PROMISE although push is disabled", streamId);
        break;
      default:
        // PRIORITY is deprecated, and unknown types are to be ignored (RFC 9113 §5.3.2, §5.5).
        this.#session.tolerates("ignored");
    }
  }

  /** The right kind of stream id, and the right length. */
  #isWellFormed(type: number, streamId: number, length: number): boolean {
    const { protocolError, frameSizeError } = http2ErrorCode;
    if (streamId === 0 ? streamFrames.has(type) : connectionFrames.has(type)) {
      this.#session.breach(protocolError, `sent ${frameName(type)} on stream ${streamId}`);
      return false;
    }
    const wanted = fixedLength[type] ?? length;
    if (length === wanted && (type !== frameType.goaway || length >= 8)) return true;
    const problem = `sent a ${frameName(type)} frame of ${length} bytes`;
    const stream = this.#session.streams.get(streamId);
    // A PRIORITY frame is an error of its stream alone (RFC 9113 §6.3), where there is one to end.
    if (type === frameType.priority && stream !== undefined) this.#session.malformed(stream, problem, frameSizeError);
    else this.#session.breach(frameSizeError, problem, streamId);
    return false;
  }

  #windowUpdate(streamId: number, increment: number): void {
    if (!this.#session.tolerates("windowUpdate")) return;
    const { protocolError, flowControlError } = http2ErrorCode;
    if (streamId === 0) {
      if (increment === 0) {
        this.#session.breach(protocolError, "sent a WINDOW_UPDATE of 0 for the connection");
      } else if (!this.#sender.growConnection(increment)) {
        this.#session.breach(flowControlError, "gave the connection a window above 2^31-1");
      }
      return;
    }
    const stream = this.#session.streams.get(streamId);
    if (stream === undefined) this.#refuseIdle(frameType.windowUpdate, streamId);
    else if (increment === 0) this.#session.malformed(stream, "sent a WINDOW_UPDATE of 0");
    else if (!this.#sender.growStream(stream, increment)) {
      this.#session.malformed(stream, "gave a stream a window above 2^31-1", flowControlError);
    }
  }

  #rstStream(streamId: number, code: number): void {
    const stream = this.#session.streams.get(streamId);
    if (stream !== undefined) this.#session.streamReset(stream, code);
    else if (!this.#refuseIdle(frameType.rstStream, streamId)) this.#session.tolerates("stray");
  }

  /** Returns whether the frame came on a stream that does not exist yet. */
  #refuseIdle(type: number, streamId: number): boolean {
    if (!this.#session.isIdle(streamId)) return false;
    this.#session.breach(http2ErrorCode.protocolError, `sent ${frameName(type)} on the idle stream ${streamId}`);
    return true;
  }

  #ping(flags: number, payload: Uint8Array): void {
    if (!this.#session.tolerates("ping")) return;
    if ((flags & frameFlag.ack) !== 0) this.#session.pingAnswered(payload);
    else if (this.#session.answers()) this.#writer.pingAck(payload);
  }

  #settings(flags: number, payload: Buffer, start: number, end: number): void {
    const length = end - start;
    if (!this.#session.tolerates("settings")) return;
    if ((flags & frameFlag.ack) !== 0) {
      if (length === 0) this.#session.settingsAcknowledged();
      else this.#session.breach(http2ErrorCode.frameSizeError, "sent a SETTINGS ACK with a payload");
      return;
    }
    if (length % 6 !== 0) {
      this.#session.breach(http2ErrorCode.frameSizeError, `sent a SETTINGS frame of ${length} bytes`);
      return;
    }
    let maxConcurrentStreams: number | undefined;
    let maxHeaderListBytes: number | undefined;
    for (let at = start; at < end; at += 6) {
      const id = payload.readUInt16BE(at);
      const value = readUint32(payload, at + 2);
      if (id === settingId.maxConcurrentStreams) maxConcurrentStreams = value;
      else if (id === settingId.maxHeaderListSize) maxHeaderListBytes = value;
      else if (!this.#setting(id, value)) return;
    }
    if (!this.#session.answers()) return;
    this.#writer.settingsAck();
    this.#session.settingsApplied({ maxConcurrentStreams, maxHeaderListBytes });
    this.#sender.settingsAcknowledged();
  }

  /** Applies one setting (RFC 9113 §6.5.2). Returns false when it was a breach. */
  #setting(id: number, value: number): boolean {
    const { protocolError, flowControlError } = http2ErrorCode;
    const refuse = (name: string, code: number = protocolError) => {
      this.#session.breach(code, `sent SETTINGS_${name} ${value}`);
      return false;
    };
    switch (id) {
      case settingId.headerTableSize:
        this.#encoder.resize(value);
        return true;
      case settingId.enablePush:
        // A server must not send anything but 0 (§6.5.2).
        return value === 0 || refuse("ENABLE_PUSH");
      case settingId.initialWindowSize:
        if (value > largestWindowBytes) return refuse("INITIAL_WINDOW_SIZE", flowControlError);
        if (this.#sender.setInitialWindow(value, this.#session.streams.values())) return true;
        return refuse("INITIAL_WINDOW_SIZE", flowControlError);
      case settingId.maxFrameSize:
        if (value < defaultFrameBytes || value > largestFrameBytes) return refuse("MAX_FRAME_SIZE");
        this.#sender.setMaxFrame(value);
        return true;
      case settingId.enableConnectProtocol:
        return value <= 1 || refuse("ENABLE_CONNECT_PROTOCOL");
      default:
        return true;
    }
  }
}
