"""glink.demo.v1.EchoService on C-core: server.py DESCRIPTOR_SET PORT. As demo/echo-service.ts has it. On SIGTERM it drains,
prints how often each request id was executed, and ends."""

import json
import signal
import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

with open(sys.argv[1], "rb") as compiled:
    files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read())
pool = descriptor_pool.DescriptorPool()
for file in files.file:
    pool.Add(file)
service = pool.FindServiceByName("glink.demo.v1.EchoService")
lock = threading.Lock()
executions = {}


def answer_of(method):
    return message_factory.GetMessageClass(service.methods_by_name[method].output_type)()


def serve(request, context):
    """Counts an execution, waits, and fails if it should."""
    if not request.HasField("behavior"):
        return
    behavior = request.behavior
    with lock:
        execution = executions[behavior.request_id] = executions.get(behavior.request_id, 0) + 1
    time.sleep(behavior.delay_ms / 1000)
    if behavior.fail_code != 0 and (behavior.fail_attempts == 0 or execution <= behavior.fail_attempts):
        codes = {code.value[0]: code for code in grpc.StatusCode}
        context.abort(codes[behavior.fail_code], behavior.fail_message)


def unary(request, context):
    serve(request, context)
    answer = answer_of("Unary")
    answer.text = request.text
    answer.payload = bytes(request.response_bytes) if request.response_bytes > 0 else request.payload
    return answer


def unary_idempotent(request, context):
    serve(request, context)
    answer = answer_of("UnaryIdempotent")
    answer.text = request.text
    return answer


def server_stream(request, context):
    serve(request, context)
    for index in range(request.count):
        time.sleep(request.interval_ms / 1000)
        answer = answer_of("ServerStream")
        answer.text, answer.index, answer.payload = request.text, index, bytes(request.message_bytes)
        yield answer


def client_stream(requests, context):
    answer = answer_of("ClientStream")
    for request in requests:
        if answer.count == 0:
            serve(request, context)
        answer.count += 1
        answer.payload_bytes += len(request.payload)
        answer.text = request.text
    return answer


def bidi(requests, context):
    for request in requests:
        serve(request, context)
        answer = answer_of("Bidi")
        answer.text, answer.payload = request.text, request.payload
        yield answer


def handler(make, method, implementation):
    input_type = message_factory.GetMessageClass(service.methods_by_name[method].input_type)
    return make(implementation, input_type.FromString, lambda response: response.SerializeToString())


handlers = {
    "Unary": handler(grpc.unary_unary_rpc_method_handler, "Unary", unary),
    "UnaryIdempotent": handler(grpc.unary_unary_rpc_method_handler, "UnaryIdempotent", unary_idempotent),
    "ServerStream": handler(grpc.unary_stream_rpc_method_handler, "ServerStream", server_stream),
    "ClientStream": handler(grpc.stream_unary_rpc_method_handler, "ClientStream", client_stream),
    "Bidi": handler(grpc.stream_stream_rpc_method_handler, "Bidi", bidi),
}

server = grpc.server(futures.ThreadPoolExecutor(max_workers=64))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
server.add_insecure_port("127.0.0.1:" + sys.argv[2])
server.start()
signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=2))
server.wait_for_termination()
print(json.dumps(executions), flush=True)
