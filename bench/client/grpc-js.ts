import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  type CallOptions,
  Client,
  compressionAlgorithms,
  credentials,
  InterceptingCall,
  type Interceptor,
  Metadata,
} from "@grpc/grpc-js";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import type { InterceptorName, Load } from "../loads.ts";
import { contentBytes, deadlineMs, interceptedHeader, metadataOf, requestOf } from "./messages.ts";
import { check, type OpenPeer } from "./peer.ts";
import type { Task } from "./task.ts";

const interceptors: Readonly<Record<InterceptorName, Interceptor>> = {
  "passes-on": (options, nextCall) => new InterceptingCall(nextCall(options)),
  "sets-header": (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        metadata.set(interceptedHeader.name, interceptedHeader.value);
        next(metadata, listener);
      },
    }),
};

const reader =
  <Desc extends DescMessage>(schema: Desc) =>
  (bytes: Uint8Array): MessageShape<Desc> =>
    fromBinary(schema, bytes);

const writer =
  <Desc extends DescMessage>(schema: Desc) =>
  (message: MessageShape<Desc>): Buffer =>
    Buffer.from(toBinary(schema, message));

/** grpc-js with round_robin over every backend. */
export const open: OpenPeer = async (task) => {
  const client = newClient(task);
  const ready = new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + deadlineMs, (error) => (error ? reject(error) : resolve()));
  });
  await ready;
  return { run: operation(client, task.load), close: () => client.close() };
};

function newClient({ load, backends, certificate }: Task): Client {
  const security =
    certificate === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(certificate));
  return new Client(`ipv4:${backends.join(",")}`, security, {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.ssl_target_name_override": "localhost",
    "grpc.default_authority": "localhost",
    "grpc.max_receive_message_length": -1,
    ...(load.gzip ? { "grpc.default_compression_algorithm": compressionAlgorithms.gzip } : {}),
    ...(load.interceptor === undefined ? {} : { interceptors: [interceptors[load.interceptor]] }),
  });
}

function operation(client: Client, load: Load): () => Promise<void> {
  const { unary, serverStream, clientStream, bidi } = EchoService.method;
  const path = (name: string) => `/${EchoService.typeName}/${name}`;
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(metadataOf(load))) metadata.set(name, value);
  const options = (): CallOptions => (load.deadline ? { deadline: Date.now() + deadlineMs } : {});
  const request = requestOf(load) as never;
  const wanted = contentBytes(load);

  const unaryCall = () =>
    new Promise<void>((resolve, reject) => {
      const [write, read] = [writer(unary.input), reader(unary.output)];
      client.makeUnaryRequest(path("Unary"), write, read, request, metadata, options(), (error, response) => {
        if (error || response === undefined) return reject(error);
        check(response.text.length + response.payload.length, wanted, "bytes of content");
        resolve();
      });
    });

  const serverStreamCall = () =>
    new Promise<void>((resolve, reject) => {
      const [write, read] = [writer(serverStream.input), reader(serverStream.output)];
      const call = client.makeServerStreamRequest(path("ServerStream"), write, read, request, metadata, options());
      countMessages(call, load.messages, resolve, reject);
    });

  const clientStreamCall = () =>
    new Promise<void>((resolve, reject) => {
      const [write, read] = [writer(clientStream.input), reader(clientStream.output)];
      const call = client.makeClientStreamRequest(
        path("ClientStream"),
        write,
        read,
        metadata,
        options(),
        (error, response) => {
          if (error || response === undefined) return reject(error);
          check(response.count, load.messages, "messages");
          resolve();
        },
      );
      for (let i = 0; i < load.messages; i++) call.write(request);
      call.end();
    });

  const bidiCall = () =>
    new Promise<void>((resolve, reject) => {
      const [write, read] = [writer(bidi.input), reader(bidi.output)];
      const call = client.makeBidiStreamRequest(path("Bidi"), write, read, metadata, options());
      countMessages(call, load.messages, resolve, reject);
      for (let i = 0; i < load.messages; i++) call.write(request);
      call.end();
    });

  return { unary: unaryCall, "server-stream": serverStreamCall, "client-stream": clientStreamCall, bidi: bidiCall }[
    load.kind
  ];
}

function countMessages(
  call: NodeJS.EventEmitter,
  wanted: number,
  resolve: () => void,
  reject: (error: Error) => void,
): void {
  let count = 0;
  call.on("data", () => count++);
  call.on("error", reject);
  call.on("end", () => {
    check(count, wanted, "messages");
    resolve();
  });
}
