import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type CallOptions, createClient, type Transport } from "@connectrpc/connect";

/*
 * The messages of the interop tests, by reflection: interop.proto is compiled when they run. The interfaces name the
 * fields that cases and servers use.
 */

const root = join(import.meta.dirname, "../../..");

/** Where the compiled interop.proto lies, for servers in other languages. */
export const descriptorSet = join(root, ".cache/interop.binpb");

export interface Payload {
  readonly body: Uint8Array;
}

export interface EchoStatus {
  readonly code: number;
  readonly message: string;
}

export interface SimpleRequest {
  readonly responseSize?: number;
  readonly payload?: Payload;
  readonly responseStatus?: EchoStatus;
}

export interface SimpleResponse {
  readonly payload?: Payload;
}

export interface InputRequest {
  readonly payload?: Payload;
}

export interface InputResponse {
  readonly aggregatedPayloadSize: number;
}

export interface OutputRequest {
  readonly responseParameters?: readonly { readonly size: number; readonly intervalUs?: number }[];
  readonly payload?: Payload;
  readonly responseStatus?: EchoStatus;
}

export interface OutputResponse {
  readonly payload?: Payload;
}

/** A client of grpc.testing.TestService. */
export interface TestClient {
  emptyCall(request: object, options?: CallOptions): Promise<object>;
  unaryCall(request: SimpleRequest, options?: CallOptions): Promise<SimpleResponse>;
  streamingOutputCall(request: OutputRequest, options?: CallOptions): AsyncIterable<OutputResponse>;
  streamingInputCall(requests: AsyncIterable<InputRequest>, options?: CallOptions): Promise<InputResponse>;
  fullDuplexCall(requests: AsyncIterable<OutputRequest>, options?: CallOptions): AsyncIterable<OutputResponse>;
  unimplementedCall(request: object, options?: CallOptions): Promise<object>;
}

/** A client of grpc.testing.UnimplementedService. */
export type UnimplementedClient = Pick<TestClient, "unimplementedCall">;

/** The two services, compiled from interop.proto. */
export class InteropServices {
  readonly test: DescService;
  readonly unimplemented: DescService;

  constructor() {
    mkdirSync(dirname(descriptorSet), { recursive: true });
    const buf = join(root, "node_modules/.bin/buf");
    execFileSync(buf, ["build", `${import.meta.dirname}/interop.proto`, "-o", descriptorSet], { cwd: root });
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSet)));
    const service = (name: string) => {
      const desc = registry.getService(`grpc.testing.${name}`);
      if (desc === undefined) throw new Error(`interop.proto has no service ${name}`);
      return desc;
    };
    this.test = service("TestService");
    this.unimplemented = service("UnimplementedService");
  }

  testClient(transport: Transport): TestClient {
    return createClient(this.test, transport) as unknown as TestClient;
  }

  unimplementedClient(transport: Transport): UnimplementedClient {
    return createClient(this.unimplemented, transport) as unknown as UnimplementedClient;
  }
}
