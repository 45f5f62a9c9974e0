import { frameName, readUint31, readUint32 } from "../../../src/http2/wire/frames.ts";
import { frameTypes } from "../../unit/http2/wire/raw-peer.ts";

/** A frame in a stream of bytes. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** The whole of it, header included. */
  readonly bytes: Buffer;
}

/** Cuts bytes into frames as their lengths say. `rest` is what is no whole frame. */
export function readFrames(bytes: Buffer): { readonly frames: Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 9) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({
      type: bytes[at + 3] as number,
      flags: bytes[at + 4] as number,
      streamId: readUint31(bytes, at + 5),
      payload: bytes.subarray(at + 9, end),
      bytes: bytes.subarray(at, end),
    });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** `DATA 3 +END_STREAM (12 B)`, say. */
export function describeFrame({ type, flags, streamId, payload }: Frame): string {
  const detail =
    type === frameTypes.rstStream && payload.length === 4
      ? `code ${readUint32(payload, 0)}`
      : type === frameTypes.goaway && payload.length >= 8
        ? `last ${readUint31(payload, 0)} code ${readUint32(payload, 4)}`
        : type === frameTypes.windowUpdate && payload.length === 4
          ? `+${readUint31(payload, 0)}`
          : `${payload.length} B`;
  return `${frameName(type)} on ${streamId}, flags 0x${flags.toString(16)}, ${detail}`;
}
