import { create, type DescMethod, type DescService, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import {
  Metadata,
  type MethodDefinition,
  Server,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type {
  EchoStatus,
  InputRequest,
  InputResponse,
  OutputRequest,
  OutputResponse,
  SimpleRequest,
  SimpleResponse,
} from "./messages.ts";

/** The interop test service on grpc-js. Call `bindAsync` on it. */
export function grpcJsInteropServer(service: DescService): Server {
  const server = new Server();
  const implemented = service.methods.filter(({ name }) => name in handlers);
  server.addService(
    Object.fromEntries(implemented.map((method) => [method.name, definitionOf(method)])) as ServiceDefinition,
    handlers as unknown as UntypedServiceImplementation,
  );
  return server;
}

function definitionOf(method: DescMethod): MethodDefinition<Message, Message> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: (message) => Buffer.from(toBinary(method.input, message)),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: (fields) => Buffer.from(toBinary(method.output, create(method.output, fields))),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  };
}

const handlers = {
  EmptyCall(_call: ServerUnaryCall<object, object>, callback: sendUnaryData<object>) {
    callback(null, {});
  },

  UnaryCall(call: ServerUnaryCall<SimpleRequest, SimpleResponse>, callback: sendUnaryData<SimpleResponse>) {
    const { responseStatus, responseSize = 0 } = call.request;
    const trailer = echoMetadata(call);
    if (isFailure(responseStatus)) {
      callback({ code: responseStatus.code, details: responseStatus.message, metadata: trailer });
    } else {
      callback(null, { payload: { body: new Uint8Array(responseSize) } }, trailer);
    }
  },

  StreamingOutputCall(call: ServerWritableStream<OutputRequest, OutputResponse>) {
    for (const { size } of call.request.responseParameters ?? []) {
      call.write({ payload: { body: new Uint8Array(size) } });
    }
    call.end();
  },

  StreamingInputCall(call: ServerReadableStream<InputRequest, InputResponse>, callback: sendUnaryData<InputResponse>) {
    let aggregatedPayloadSize = 0;
    call.on("data", ({ payload }: InputRequest) => {
      aggregatedPayloadSize += payload?.body.length ?? 0;
    });
    call.on("end", () => callback(null, { aggregatedPayloadSize }));
  },

  FullDuplexCall(call: ServerDuplexStream<OutputRequest, OutputResponse>) {
    const trailer = echoMetadata(call);
    call.on("data", ({ responseStatus, responseParameters }: OutputRequest) => {
      if (isFailure(responseStatus)) {
        call.emit("error", { code: responseStatus.code, details: responseStatus.message });
        return;
      }
      for (const { size } of responseParameters ?? []) call.write({ payload: { body: new Uint8Array(size) } });
    });
    call.on("end", () => call.end(trailer));
  },
};

function isFailure(status: EchoStatus | undefined): status is EchoStatus {
  return status !== undefined && status.code !== 0;
}

/** Sends back one request header as header, and returns the trailer that goes with the end of the call. */
function echoMetadata(call: { metadata: Metadata; sendMetadata(metadata: Metadata): void }): Metadata {
  const echo = (name: string) => {
    const metadata = new Metadata();
    for (const value of call.metadata.get(name)) metadata.add(name, value);
    return metadata;
  };
  call.sendMetadata(echo("x-grpc-test-echo-initial"));
  return echo("x-grpc-test-echo-trailing-bin");
}
