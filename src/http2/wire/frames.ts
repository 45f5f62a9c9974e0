/** Constants of HTTP/2's framing layer, RFC 9113. */

/** §6: frame types. PRIORITY and PUSH_PROMISE only ever come in. */
export const frameType = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

const names = [
  "DATA",
  "HEADERS",
  "PRIORITY",
  "RST_STREAM",
  "SETTINGS",
  "PUSH_PROMISE",
  "PING",
  "GOAWAY",
  "WINDOW_UPDATE",
  "CONTINUATION",
] as const;

/** `HEADERS`, say: for messages. */
export function frameName(type: number): string {
  return names[type] ?? `frame type 0x${type.toString(16)}`;
}

/** Flags; their meaning depends on the type. */
export const frameFlag = {
  endStream: 0x1,
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

/** §6.5.2: identifiers of settings. */
export const settingId = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  enableConnectProtocol: 0x8,
} as const;

/** §3.4: what a client sends before its first frame. */
export const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export const frameHeaderBytes = 9;

/** §6.5.2: SETTINGS_MAX_FRAME_SIZE before a peer says otherwise, and the least it may say. What we accept, always. */
export const defaultFrameBytes = 16_384;

/** §6.5.2: the most SETTINGS_MAX_FRAME_SIZE may be. */
export const largestFrameBytes: number = 2 ** 24 - 1;

/** §6.9.2: every window before anybody says otherwise. */
export const defaultWindowBytes: number = 65_535;

/** §6.9.1: no window may grow beyond. */
export const largestWindowBytes: number = 2 ** 31 - 1;

/** Stream ids and window increments have 31 bits; the 32nd is reserved and ignored (§4.1). */
export function readUint31(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) & 0x7f) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
