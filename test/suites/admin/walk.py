# Walks channelz as grpcdebug does: from the channels by their references to each subchannel and socket. Prints what it
# found as JSON. Its argument is the address of a server.
import json
import sys

import grpc
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

stub = channelz_pb2_grpc.ChannelzStub(grpc.insecure_channel(sys.argv[1]))
found = []
for channel in stub.GetTopChannels(channelz_pb2.GetTopChannelsRequest()).channel:
    same = stub.GetChannel(channelz_pb2.GetChannelRequest(channel_id=channel.ref.channel_id)).channel
    subchannels = []
    for ref in same.subchannel_ref:
        subchannel = stub.GetSubchannel(channelz_pb2.GetSubchannelRequest(subchannel_id=ref.subchannel_id)).subchannel
        sockets = []
        for socket_ref in subchannel.socket_ref:
            socket = stub.GetSocket(channelz_pb2.GetSocketRequest(socket_id=socket_ref.socket_id)).socket
            remote = socket.remote.tcpip_address
            sockets.append({
                "remote": "%s:%d" % (".".join(str(byte) for byte in remote.ip_address), remote.port),
                "hasLocal": len(socket.local.tcpip_address.ip_address) == 4,
                "streamsStarted": socket.data.streams_started,
                "messagesReceived": socket.data.messages_received,
            })
        subchannels.append({
            "name": ref.name,
            "state": channelz_pb2.ChannelConnectivityState.State.Name(subchannel.data.state.state),
            "callsStarted": subchannel.data.calls_started,
            "sockets": sockets,
        })
    found.append({
        "target": same.data.target,
        "callsStarted": same.data.calls_started,
        "events": same.data.trace.num_events_logged,
        "subchannels": subchannels,
    })
try:
    stub.GetSocket(channelz_pb2.GetSocketRequest(socket_id=1 << 40))
    missing = "OK"
except grpc.RpcError as error:
    missing = error.code().name
print(json.dumps({"channels": found, "missing": missing}))
