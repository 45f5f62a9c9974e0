import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { methods, requestOf } from "./messages.ts";
import type { OpenPeer } from "./peer.ts";
import { PrefixedReader } from "./prefixed-reader.ts";

const prefixBytes = 4;

interface Pending {
  left: number;
  readonly resolve: () => void;
}

/** Length-prefixed messages over bare TCP, answered in order: what one process can do at the most. */
export const open: OpenPeer = async ({ load, backends }) => {
  const input: DescMessage = methods[load.kind].input;
  const output: DescMessage = methods[load.kind].output;
  const request = requestOf(load);
  const requests = load.kind === "bidi" ? load.messages : 1;
  const lanes = await Promise.all(backends.map((backend) => openLane(backend, (bytes) => fromBinary(output, bytes))));
  let next = 0;
  return {
    run: () => {
      next = next + 1 < lanes.length ? next + 1 : 0;
      const lane = lanes[next] as Lane;
      const parts: Buffer[] = [];
      for (let i = 0; i < requests; i++) parts.push(framed(toBinary(input, request as never)));
      lane.write(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
      return new Promise((resolve) => lane.pending.push({ left: load.messages, resolve }));
    },
    close: () => {
      for (const { socket } of lanes) socket.destroy();
    },
  };
};

interface Lane {
  readonly socket: Socket;
  readonly pending: Pending[];
  /** Writes of one tick leave in one packet. */
  write(bytes: Buffer): void;
}

async function openLane(backend: string, decode: (bytes: Uint8Array) => void): Promise<Lane> {
  const [host, port] = backend.split(":");
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, "connect");
  const pending: Pending[] = [];
  const reader = new PrefixedReader(prefixBytes, (payload) => {
    decode(payload);
    const first = pending[0] as Pending;
    if (--first.left > 0) return;
    pending.shift();
    first.resolve();
  });
  socket.on("data", (chunk: Buffer) => reader.push(chunk));
  let queued: Buffer[] = [];
  const flush = () => {
    const batch = queued.length === 1 ? (queued[0] as Buffer) : Buffer.concat(queued);
    queued = [];
    socket.write(batch);
  };
  const write = (bytes: Buffer) => {
    if (queued.push(bytes) === 1) setImmediate(flush);
  };
  return { socket, pending, write };
}

function framed(payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(prefixBytes + payload.length);
  bytes.writeUInt32BE(payload.length);
  bytes.set(payload, prefixBytes);
  return bytes;
}
