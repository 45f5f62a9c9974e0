import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type ChannelSchema,
  type SocketSchema,
  ChannelConnectivityState_State as State,
  type SubchannelSchema,
} from "../../../proto/gen/grpc/channelz/v1/channelz_pb.js";
import type { ConnectionSnapshot, ConnectivityState, GlinkSnapshot } from "../../index.ts";
import type { ChannelEntry, SubchannelEntry } from "./directory.ts";
import { tcpIpAddress } from "./ip-address.ts";
import { channelTrace, subchannelTrace } from "./traces.ts";

const states: Readonly<Record<ConnectivityState, State>> = {
  idle: State.IDLE,
  connecting: State.CONNECTING,
  ready: State.READY,
  "transient-failure": State.TRANSIENT_FAILURE,
  shutdown: State.SHUTDOWN,
};

export function channelMessage(channel: ChannelEntry): MessageInitShape<typeof ChannelSchema> {
  const { snapshot } = channel;
  const { calls, grpcTarget, state, subchannels } = snapshot;
  return {
    ref: { channelId: BigInt(snapshot.id), name: grpcTarget },
    data: {
      state: { state: states[state] },
      target: grpcTarget,
      trace: channelTrace(channel),
      callsStarted: BigInt(calls.started),
      callsSucceeded: BigInt(calls.succeeded),
      callsFailed: BigInt(failedCalls(snapshot)),
    },
    subchannelRef: subchannels.map(({ id, address }) => ({ subchannelId: BigInt(id), name: address })),
  };
}

/** Its calls are attempts, as in every gRPC. */
export function subchannelMessage(entry: SubchannelEntry): MessageInitShape<typeof SubchannelSchema> {
  const { id, address, state, callsStarted, callsSucceeded, callsFailed } = entry.subchannel;
  return {
    ref: { subchannelId: BigInt(id), name: address },
    data: {
      state: { state: states[state] },
      target: address,
      trace: subchannelTrace(entry),
      callsStarted: BigInt(callsStarted),
      callsSucceeded: BigInt(callsSucceeded),
      callsFailed: BigInt(callsFailed),
    },
    socketRef: entry.sockets.map((socket) => ({ socketId: BigInt(socket.id), name: socketName(socket) })),
  };
}

export function socketMessage(socket: ConnectionSnapshot): MessageInitShape<typeof SocketSchema> {
  const { id, address, localAddress, remoteAddress, tls, maxConcurrentStreams } = socket;
  const security =
    tls === undefined
      ? {}
      : {
          security: {
            model: {
              case: "tls",
              value: { cipherSuite: { case: "standardName", value: tls.cipher ?? "" } },
            },
          } as const,
        };
  return {
    ref: { socketId: BigInt(id), name: socketName(socket) },
    data: {
      streamsStarted: BigInt(socket.callsStarted),
      streamsSucceeded: BigInt(socket.callsSucceeded),
      streamsFailed: BigInt(socket.callsFailed),
      messagesSent: BigInt(socket.messagesSent),
      messagesReceived: BigInt(socket.messagesReceived),
      keepAlivesSent: BigInt(socket.pingsSent),
      peerMaxConcurrentStreams: maxConcurrentStreams ?? unlimited,
    },
    local: { address: { case: "tcpipAddress", value: tcpIpAddress(localAddress) } },
    remote: { address: { case: "tcpipAddress", value: tcpIpAddress(remoteAddress ?? address) } },
    ...security,
    remoteName: address,
  };
}

/** RFC 9113 has no number for "no limit"; this is the largest that SETTINGS can carry. */
const unlimited = 2 ** 32 - 1;

function socketName({ localAddress, address }: ConnectionSnapshot): string {
  return localAddress === undefined ? address : `${localAddress} -> ${address}`;
}

function failedCalls({ calls }: GlinkSnapshot): number {
  return Object.values(calls.failed).reduce((sum, times) => sum + times, 0);
}
