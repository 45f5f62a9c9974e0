"""The gRPC interop test service on C-core: server.py DESCRIPTOR_SET PORT [CERTIFICATE KEY]"""

import signal
import sys
import time
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

INITIAL = "x-grpc-test-echo-initial"
TRAILING = "x-grpc-test-echo-trailing-bin"

with open(sys.argv[1], "rb") as compiled:
    files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read())
pool = descriptor_pool.DescriptorPool()
for file in files.file:
    pool.Add(file)
service = pool.FindServiceByName("grpc.testing.TestService")


def message(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("grpc.testing." + name))


def echo_metadata(context):
    received = dict(context.invocation_metadata())
    if INITIAL in received:
        context.send_initial_metadata(((INITIAL, received[INITIAL]),))
    if TRAILING in received:
        context.set_trailing_metadata(((TRAILING, received[TRAILING]),))


def fail_if_asked(request, context):
    if request.response_status.code != 0:
        codes = {code.value[0]: code for code in grpc.StatusCode}
        context.abort(codes[request.response_status.code], request.response_status.message)


def payload(size):
    return {"body": bytes(size)}


def empty_call(_request, _context):
    return message("Empty")()


def unary_call(request, context):
    echo_metadata(context)
    fail_if_asked(request, context)
    return message("SimpleResponse")(payload=payload(request.response_size))


def streaming_output_call(request, _context):
    for parameters in request.response_parameters:
        time.sleep(parameters.interval_us / 1_000_000)
        yield message("StreamingOutputCallResponse")(payload=payload(parameters.size))


def streaming_input_call(requests, _context):
    total = sum(len(request.payload.body) for request in requests)
    return message("StreamingInputCallResponse")(aggregated_payload_size=total)


def full_duplex_call(requests, context):
    echo_metadata(context)
    for request in requests:
        fail_if_asked(request, context)
        yield from streaming_output_call(request, context)


def handler(make, method, implementation):
    def serialize(response):
        return response.SerializeToString()

    input_type = message_factory.GetMessageClass(service.methods_by_name[method].input_type)
    return make(implementation, input_type.FromString, serialize)


handlers = {
    "EmptyCall": handler(grpc.unary_unary_rpc_method_handler, "EmptyCall", empty_call),
    "UnaryCall": handler(grpc.unary_unary_rpc_method_handler, "UnaryCall", unary_call),
    "StreamingOutputCall": handler(
        grpc.unary_stream_rpc_method_handler, "StreamingOutputCall", streaming_output_call
    ),
    "StreamingInputCall": handler(
        grpc.stream_unary_rpc_method_handler, "StreamingInputCall", streaming_input_call
    ),
    "FullDuplexCall": handler(grpc.stream_stream_rpc_method_handler, "FullDuplexCall", full_duplex_call),
}

server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
address = "127.0.0.1:" + sys.argv[2]
if len(sys.argv) > 3:
    with open(sys.argv[3], "rb") as certificate, open(sys.argv[4], "rb") as key:
        server.add_secure_port(address, grpc.ssl_server_credentials(((key.read(), certificate.read()),)))
else:
    server.add_insecure_port(address)
server.start()
# A graceful end: GOAWAY, and time for the open calls.
signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=5))
server.wait_for_termination()
