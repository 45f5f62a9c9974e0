/** An address and a port as channelz has them. */
export interface TcpIpAddress {
  /** 4 or 16 bytes. */
  readonly ipAddress: Uint8Array<ArrayBuffer>;
  readonly port: number;
}

/**
 * `host:port` or `[v6]:port` as bytes. For what is neither (a Unix socket, a socket of the user's own) the address of nobody:
 * readers of channelz take it for granted that a socket has one.
 */
export function tcpIpAddress(text: string | undefined): TcpIpAddress {
  const [, v4, v6 = "", port] = /^(?:(\d+\.\d+\.\d+\.\d+)|\[([^\]%]+)(?:%[^\]]*)?\]):(\d+)$/.exec(text ?? "") ?? [];
  const bytes = v4 === undefined ? v6Bytes(v6) : v4.split(".").map(Number);
  if (port === undefined || bytes === undefined) return { ipAddress: new Uint8Array(16), port: 0 };
  return { ipAddress: Uint8Array.from(bytes), port: Number(port) };
}

function v6Bytes(text: string): readonly number[] | undefined {
  const url = `http://[${text}]`;
  if (!URL.canParse(url)) return undefined;
  // In its normal form there are groups of digits alone, and at most one gap.
  const [before = "", after] = new URL(url).hostname.slice(1, -1).split("::");
  const [head, tail] = [before, after ?? ""].map((part) => (part === "" ? [] : part.split(":")));
  const gap = Array<string>(8 - (head?.length ?? 0) - (tail?.length ?? 0)).fill("0");
  return [...(head ?? []), ...gap, ...(tail ?? [])].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
