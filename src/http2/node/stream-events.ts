import type { ClientHttp2Stream } from "node:http2";
import type { HeaderFields } from "../connection.ts";

/** Told of the events of one stream of node:http2. */
export interface NodeStreamListener {
  onInterim(): void;
  onHeaders(flags: number, fields: HeaderFields): void;
  onData(chunk: Uint8Array): void;
  onTrailers(fields: HeaderFields): void;
  onEnd(): void;
  onWritable(): void;
  onFrameNotSent(type: number): void;
  onError(error: unknown): void;
  onClosed(): void;
}

/** Where a handler finds its listener: one function for all streams costs less than closures for each. */
const listener = Symbol("glink stream");

type HeardStream = ClientHttp2Stream & { [listener]: NodeStreamListener };

export function hearEvents(stream: ClientHttp2Stream, heard: NodeStreamListener): void {
  (stream as HeardStream)[listener] = heard;
  stream.on("headers", tellInterim);
  stream.on("response", tellResponse);
  stream.on("data", tellData);
  stream.on("trailers", tellTrailers);
  stream.on("end", tellEnd);
  stream.on("error", tellError);
  stream.on("frameError", tellFrameError);
  stream.on("close", tellClose);
}

/** Tells `writable` once. */
export function hearDrain(stream: ClientHttp2Stream): void {
  stream.once("drain", tellDrain);
}

function tellInterim(this: unknown): void {
  (this as HeardStream)[listener].onInterim();
}

function tellResponse(this: unknown, _: unknown, flags: number, fields?: string[]): void {
  (this as HeardStream)[listener].onHeaders(flags, fields ?? []);
}

function tellData(this: unknown, chunk: Uint8Array): void {
  (this as HeardStream)[listener].onData(chunk);
}

function tellTrailers(this: unknown, _: unknown, __: number, fields?: string[]): void {
  (this as HeardStream)[listener].onTrailers(fields ?? []);
}

function tellEnd(this: unknown): void {
  (this as HeardStream)[listener].onEnd();
}

function tellDrain(this: unknown): void {
  (this as HeardStream)[listener].onWritable();
}

function tellFrameError(this: unknown, type: number): void {
  (this as HeardStream)[listener].onFrameNotSent(type);
}

function tellError(this: unknown, error: Error): void {
  (this as HeardStream)[listener].onError(error);
}

function tellClose(this: unknown): void {
  (this as HeardStream)[listener].onClosed();
}
