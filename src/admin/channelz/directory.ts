import type { ConnectionSnapshot, GlinkSnapshot, SubchannelSnapshot } from "../../index.ts";
import type { WatchedTransport } from "../transports.ts";
import { EventTrace } from "./event-trace.ts";

/** A channel of channelz: a transport. Its id is the snapshot's. */
export interface ChannelEntry {
  readonly id: number;
  readonly snapshot: GlinkSnapshot;
  readonly trace: EventTrace;
}

/** A subchannel: a backend of a transport. */
export interface SubchannelEntry {
  readonly channel: ChannelEntry;
  readonly subchannel: SubchannelSnapshot;
  /** In service and draining. */
  readonly sockets: readonly ConnectionSnapshot[];
}

/** What there is, at the moment of asking. */
export class Directory {
  readonly #transports: readonly { readonly transport: WatchedTransport; readonly trace: EventTrace }[];

  constructor(transports: readonly WatchedTransport[]) {
    this.#transports = transports.map((transport) => ({ transport, trace: new EventTrace(transport) }));
  }

  channels(): readonly ChannelEntry[] {
    return this.#transports.map(({ transport, trace }) => {
      const snapshot = transport.snapshot();
      return { id: snapshot.id, snapshot, trace };
    });
  }

  subchannel(wanted: bigint): SubchannelEntry | undefined {
    for (const channel of this.channels()) {
      const subchannel = channel.snapshot.subchannels.find(({ id }) => BigInt(id) === wanted);
      if (subchannel !== undefined) return { channel, subchannel, sockets: socketsOf(channel.snapshot, subchannel) };
    }
    return undefined;
  }

  /** Those of backends that have left, and that still drain, too. */
  socket(wanted: bigint): ConnectionSnapshot | undefined {
    return this.channels()
      .flatMap(({ snapshot }) => [
        ...snapshot.subchannels.flatMap(({ connections }) => connections),
        ...snapshot.draining,
      ])
      .find(({ id }) => BigInt(id) === wanted);
  }
}

function socketsOf({ draining }: GlinkSnapshot, { address, connections }: SubchannelSnapshot): ConnectionSnapshot[] {
  return [...connections, ...draining.filter(({ backend }) => backend === address)];
}
