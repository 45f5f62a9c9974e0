import { create, type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import {
  Metadata,
  type MethodDefinition,
  Server,
  type ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  type status,
} from "@grpc/grpc-js";
import { EchoService } from "../proto/gen/glink/demo/v1/echo_pb.js";
import { type EchoContext, type EchoCounters, echoService } from "./echo-service.ts";

type Handler = (input: unknown, context: EchoContext) => Promise<Message> | AsyncIterable<Message>;
type AnyCall = ServerUnaryCall<Message, Message> &
  ServerReadableStream<Message, Message> &
  ServerWritableStream<Message, Message> &
  ServerDuplexStream<Message, Message>;

/** A grpc-js server with the same echo service that connect-node serves. Call `bindAsync` on it. */
export function grpcJsEchoServer(backend: () => string, counters: EchoCounters, options?: ServerOptions): Server {
  const server = new Server(options);
  const implementation = echoService(backend, counters) as unknown as Record<string, Handler>;
  const definition: Record<string, MethodDefinition<Message, Message>> = {};
  const handlers: Record<string, (call: AnyCall, callback: sendUnaryData<Message>) => void> = {};
  for (const method of EchoService.methods) {
    definition[method.name] = definitionOf(method);
    handlers[method.name] = (call, callback) => {
      void run(method, implementation[method.localName] as Handler, call, callback);
    };
  }
  server.addService(definition as ServiceDefinition, handlers as unknown as Parameters<Server["addService"]>[1]);
  return server;
}

/** Binds a server and resolves with its port. */
export function listen(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
  });
}

function definitionOf(method: DescMethod): MethodDefinition<Message, Message> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: (message) => Buffer.from(toBinary(method.input, message)),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    // Handlers answer with the fields of a message; Connect's servers complete it, so this one does too.
    responseSerialize: (message) => Buffer.from(toBinary(method.output, create(method.output, message))),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  };
}

async function run(
  method: DescMethod,
  handler: Handler,
  call: AnyCall,
  callback: sendUnaryData<Message>,
): Promise<void> {
  const controller = new AbortController();
  call.on("cancelled", () => controller.abort(new ConnectError("canceled")));
  const context: EchoContext = {
    requestHeader: headersOf(call.metadata),
    responseHeader: new Headers(),
    responseTrailer: new Headers(),
    signal: controller.signal,
  };
  const streamsRequests = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  // Iterating a duplex stream to its end would destroy it, and with it the half that answers.
  const input = streamsRequests ? call.iterator({ destroyOnReturn: false }) : call.request;
  try {
    const output = handler(input, context);
    if (Symbol.asyncIterator in output) {
      for await (const message of output) {
        if (!call.write(message)) await new Promise((resolve) => call.once("drain", resolve));
      }
      call.end(metadataOf(context.responseTrailer));
    } else {
      const message = await output;
      call.sendMetadata(metadataOf(context.responseHeader));
      callback(null, message, metadataOf(context.responseTrailer));
    }
  } catch (error) {
    const { code, rawMessage, metadata } = ConnectError.from(error);
    const status = { code: code as number as status, details: rawMessage, metadata: metadataOf(metadata) };
    if (method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming") call.emit("error", status);
    else callback(status);
  }
}

function headersOf(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const name of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(name)) {
      headers.append(name, typeof value === "string" ? value : value.toString("base64"));
    }
  }
  return headers;
}

function metadataOf(headers: Headers): Metadata {
  const metadata = new Metadata();
  headers.forEach((value, name) => {
    metadata.add(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  });
  return metadata;
}
