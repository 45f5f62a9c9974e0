import { http2ErrorCode } from "../error-codes.ts";
import type { ControlFrames } from "./control-frames.ts";
import type { FrameListener } from "./frame-reader.ts";
import { frameFlag, frameName, frameType } from "./frames.ts";
import type { HeaderBlockReader } from "./header-block.ts";
import { HpackError } from "./hpack/block-cursor.ts";
import type { BlockSkipper } from "./hpack/block-skipper.ts";
import { headerBlockMaxBytes, keptBlockMaxBytes, maxContinuations, strayHeadersUnitBytes } from "./limits.ts";
import type { ResponseFrames } from "./response-frames.ts";
import type { Session } from "./session.ts";
import { responsePhase } from "./wire-stream.ts";

/** A header block whose last frame has not come. Until then no other frame may (RFC 9113 §6.10). */
interface Assembly {
  readonly streamId: number;
  readonly endStream: boolean;
  /** Its stream was closed when it began. */
  readonly isStray: boolean;
  /** Kept until the block is whole. */
  readonly pieces: Buffer[];
  /** Reads it into nothing instead, where nobody awaits it or it is too long to be kept. */
  skipper: BlockSkipper | undefined;
  bytes: number;
  continuations: number;
}

/** Where frames go, by what they are. */
interface DispatcherParts {
  readonly session: Session;
  readonly control: ControlFrames;
  readonly responses: ResponseFrames;
  readonly blocks: HeaderBlockReader;
}

/** Where the peer's frames arrive: keeps their order to the rules, and joins and decodes header blocks. */
export class FrameDispatcher implements FrameListener {
  readonly #session: Session;
  readonly #control: ControlFrames;
  readonly #responses: ResponseFrames;
  readonly #blocks: HeaderBlockReader;
  readonly #keptBlockMaxBytes: number;
  readonly #blockMaxBytes: number;
  #begun = false;
  #assembly: Assembly | undefined;

  constructor({ session, control, responses, blocks }: DispatcherParts, maxHeaderListBytes: number) {
    this.#session = session;
    this.#control = control;
    this.#responses = responses;
    this.#blocks = blocks;
    this.#keptBlockMaxBytes = keptBlockMaxBytes(maxHeaderListBytes);
    this.#blockMaxBytes = headerBlockMaxBytes(maxHeaderListBytes);
  }

  onDataFrame(
    streamId: number,
    endStream: boolean,
    chunk: Buffer,
    start: number,
    end: number,
    paddingBytes: number,
  ): void {
    if (!this.#isInOrder(frameType.data, 0, streamId)) return;
    if (streamId === 0) this.#session.breach(http2ErrorCode.protocolError, "sent DATA on stream 0");
    else this.#responses.data(streamId, endStream, chunk, start, end, paddingBytes);
  }

  onFrame(type: number, flags: number, streamId: number, payload: Buffer, start: number, end: number): void {
    if (!this.#isInOrder(type, flags, streamId)) return;
    if (type === frameType.headers) this.#headers(flags, streamId, payload, start, end);
    else if (type === frameType.continuation) this.#continuation(flags, payload, start, end);
    else this.#control.read(type, flags, streamId, payload, start, end);
  }

  onFramingError(code: number, problem: string, streamId: number): void {
    this.#session.breach(code, problem, streamId);
  }

  #isInOrder(type: number, flags: number, streamId: number): boolean {
    const { protocolError } = http2ErrorCode;
    if (!this.#begun) {
      this.#begun = true;
      // §3.4: the server's preface is a SETTINGS frame.
      if (type !== frameType.settings || (flags & frameFlag.ack) !== 0) {
        const what = type === frameType.settings ? "an acknowledgement of ours" : frameName(type);
        this.#session.breach(protocolError, `began with ${what} instead of SETTINGS`);
        return false;
      }
    }
    const assembly = this.#assembly;
    if (assembly === undefined) {
      if (type !== frameType.continuation) return true;
      this.#session.breach(protocolError, "sent CONTINUATION without HEADERS before it");
      return false;
    }
    if (type === frameType.continuation && streamId === assembly.streamId) return true;
    const problem = `sent ${frameName(type)} on stream ${streamId} within the header block of stream ${assembly.streamId}`;
    this.#session.breach(protocolError, problem);
    return false;
  }

  #headers(flags: number, streamId: number, payload: Buffer, start: number, end: number): void {
    const { protocolError } = http2ErrorCode;
    if (streamId === 0 || this.#session.isIdle(streamId)) {
      this.#session.breach(
        protocolError,
        `sent HEADERS on ${streamId === 0 ? "stream 0" : `the idle stream ${streamId}`}`,
      );
      return;
    }
    let blockStart = start;
    let blockEnd = end;
    if ((flags & frameFlag.padded) !== 0) {
      blockEnd -= blockStart < end ? (payload[blockStart] as number) : 0;
      blockStart++;
    }
    if ((flags & frameFlag.priority) !== 0) blockStart += 5;
    if (blockStart > blockEnd) {
      this.#session.breach(protocolError, "sent a HEADERS frame shorter than its padding and priority", streamId);
      return;
    }
    const endStream = (flags & frameFlag.endStream) !== 0;
    if ((flags & frameFlag.endHeaders) !== 0) {
      this.#block(streamId, endStream, payload, blockStart, blockEnd);
      return;
    }
    this.#assemble(streamId, endStream, payload.subarray(blockStart, blockEnd));
  }

  /** CONTINUATION frames follow. Apart from the path of the usual block, so that this is short enough to be inlined. */
  #assemble(streamId: number, endStream: boolean, piece: Buffer): void {
    const isStray = !this.#isAwaited(streamId);
    const skipper = isStray ? this.#blocks.skip() : undefined;
    const assembly = { streamId, endStream, isStray, pieces: [], skipper, bytes: 0, continuations: 0 };
    this.#assembly = assembly;
    this.#piece(assembly, piece, false);
  }

  #continuation(flags: number, payload: Buffer, start: number, end: number): void {
    const assembly = this.#assembly as Assembly;
    const { streamId } = assembly;
    if (++assembly.continuations > maxContinuations(assembly.bytes + end - start)) {
      this.#session.flooded("CONTINUATION frames", streamId);
      return;
    }
    this.#piece(assembly, payload.subarray(start, end), (flags & frameFlag.endHeaders) !== 0);
  }

  #piece(assembly: Assembly, piece: Buffer, isLast: boolean): void {
    const { streamId, endStream, pieces } = assembly;
    assembly.bytes += piece.length;
    if (isLast) this.#assembly = undefined;
    if (assembly.bytes > this.#blockMaxBytes) {
      this.#session.flooded("header bytes", streamId);
    } else if (assembly.skipper !== undefined) {
      this.#skip(assembly, assembly.skipper, piece, isLast);
    } else if (assembly.bytes > this.#keptBlockMaxBytes) {
      // Longer than any block that is wanted: its call fails now.
      assembly.skipper = this.#blocks.skip();
      this.#responses.tooLarge(streamId);
      this.#skip(assembly, assembly.skipper, Buffer.concat([...pieces.splice(0), piece]), isLast);
    } else {
      pieces.push(Buffer.from(piece));
      if (isLast) this.#block(streamId, endStream, Buffer.concat(pieces), 0, assembly.bytes);
    }
  }

  #skip({ streamId, isStray }: Assembly, skipper: BlockSkipper, piece: Buffer, isLast: boolean): void {
    if (isStray && !this.#toleratesStray(piece.length)) return;
    try {
      skipper.push(piece);
      if (!isLast) return;
      skipper.end();
      if (isStray) this.#responses.strayHeaders(streamId);
    } catch (error) {
      this.#undecodable(streamId, error);
    }
  }

  /** Every block is decoded, whatever becomes of it: the table has to stay the peer's. */
  #block(streamId: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    if (!this.#isAwaited(streamId) && !this.#toleratesStray(end - start)) return;
    try {
      this.#responses.headers(streamId, this.#blocks.read(bytes, start, end), endStream);
    } catch (error) {
      this.#undecodable(streamId, error);
    }
  }

  #undecodable(streamId: number, error: unknown): void {
    if (!(error instanceof HpackError)) throw error;
    const problem = `sent headers that cannot be decoded: ${error.message}`;
    this.#session.breach(http2ErrorCode.compressionError, problem, streamId);
  }

  #isAwaited(streamId: number): boolean {
    const stream = this.#session.streams.get(streamId);
    return stream !== undefined && stream.phase !== responsePhase.ended;
  }

  #toleratesStray(bytes: number): boolean {
    for (let counted = 0; counted <= bytes; counted += strayHeadersUnitBytes) {
      if (!this.#session.tolerates("strayHeaders")) return false;
    }
    return true;
  }
}
