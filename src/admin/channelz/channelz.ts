import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Channelz } from "../../../proto/gen/grpc/channelz/v1/channelz_pb.js";
import { checkTransports, type WatchedTransport } from "../transports.ts";
import { Directory } from "./directory.ts";
import { channelMessage, socketMessage, subchannelMessage } from "./messages.ts";
import { pageOf } from "./paging.ts";

/**
 * `grpc.channelz.v1.Channelz` (gRFC A14) about these transports, as routes of a Connect server, connect-node's
 * `connectNodeAdapter({ routes: channelz([transport]) })` say: channels are transports, subchannels backends, sockets
 * connections. It is read-only, and tells addresses and errors: let only operators reach it. What happened is traced from the moment
 * in which it is called. Throws a TypeError for what is no transport.
 */
export function channelz(transports: readonly WatchedTransport[]): (router: ConnectRouter) => void {
  const directory = new Directory(checkTransports("channelz", transports));
  return (router) => {
    router.service(Channelz, {
      getTopChannels: ({ startChannelId, maxResults }) => {
        const { items, end } = pageOf(directory.channels(), { startId: startChannelId, maxResults });
        return { channel: items.map(channelMessage), end };
      },
      getChannel: ({ channelId }) => {
        const channel = directory.channels().find(({ id }) => BigInt(id) === channelId);
        return { channel: channelMessage(channel ?? notFound("channel", channelId)) };
      },
      getSubchannel: ({ subchannelId }) => {
        const subchannel = directory.subchannel(subchannelId);
        return { subchannel: subchannelMessage(subchannel ?? notFound("subchannel", subchannelId)) };
      },
      getSocket: ({ socketId }) => {
        return { socket: socketMessage(directory.socket(socketId) ?? notFound("socket", socketId)) };
      },
      // A client has no servers.
      getServers: ({ startServerId, maxResults }) => {
        const { end } = pageOf([], { startId: startServerId, maxResults });
        return { end };
      },
      getServer: ({ serverId }) => notFound("server", serverId),
      getServerSockets: ({ serverId }) => notFound("server", serverId),
    });
  };
}

function notFound(kind: string, id: bigint): never {
  throw new ConnectError(`there is no ${kind} ${id}`, Code.NotFound);
}
