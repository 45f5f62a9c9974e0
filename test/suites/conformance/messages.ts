import { readFileSync } from "node:fs";
import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescService,
  type FileRegistry,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/*
 * The suite's messages, by reflection: its protos are fetched and compiled when it runs, so no generated code of it is
 * part of this project. The interfaces name the fields that the client under test reads and writes.
 */

export interface Header {
  readonly name: string;
  readonly value: readonly string[];
}

export interface AnyValue {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export interface CompatRequest {
  readonly testName: string;
  readonly protocol: number;
  readonly useGetHttpMethod: boolean;
  readonly codec: number;
  readonly compression: number;
  readonly host: string;
  readonly port: number;
  readonly serverTlsCert: Uint8Array;
  readonly clientTlsCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
  readonly messageReceiveLimit: number;
  readonly service?: string;
  readonly method?: string;
  readonly streamType: number;
  readonly requestHeaders: readonly Header[];
  readonly requestMessages: readonly AnyValue[];
  readonly timeoutMs?: number;
  readonly requestDelayMs: number;
  readonly cancel?: { readonly cancelTiming: { readonly case?: string; readonly value?: unknown } };
}

export interface CallResult {
  responseHeaders: Header[];
  readonly payloads: unknown[];
  error?: { readonly code: number; readonly message: string; readonly details: AnyValue[] };
  responseTrailers: Header[];
  numUnsentRequests: number;
}

/** Protocol, Codec, Compression and StreamType of the suite. */
export const protocolNames: Readonly<Record<number, "connect" | "grpc" | "grpc-web">> = {
  1: "connect",
  2: "grpc",
  3: "grpc-web",
};
export const codecJson = 2;
export const compressionGzipNumber = 2;
export const compressionBrotliNumber = 3;
export const halfDuplexBidi = 4;

const packageName = "connectrpc.conformance.v1";

/** The suite's types, from a file descriptor set on disk. */
export class SuiteTypes {
  readonly registry: FileRegistry;
  readonly #request: DescMessage;
  readonly #response: DescMessage;

  constructor(path: string) {
    this.registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(path)));
    this.#request = this.message(`${packageName}.ClientCompatRequest`);
    this.#response = this.message(`${packageName}.ClientCompatResponse`);
  }

  message(name: string): DescMessage {
    const desc = this.registry.getMessage(name);
    if (desc === undefined) throw new Error(`the suite has no message ${name}`);
    return desc;
  }

  service(name = `${packageName}.ConformanceService`): DescService {
    const desc = this.registry.getService(name);
    if (desc === undefined) throw new Error(`the suite has no service ${name}`);
    return desc;
  }

  readRequest(bytes: Uint8Array): CompatRequest {
    return fromBinary(this.#request, bytes) as unknown as CompatRequest;
  }

  writeResult(testName: string, response: CallResult): Uint8Array {
    return this.#write({ testName, result: { case: "response", value: response } });
  }

  /** The request could not be carried out as told; not for errors of the call itself. */
  writeError(testName: string, message: string): Uint8Array {
    return this.#write({ testName, result: { case: "error", value: { message } } });
  }

  unpack({ typeUrl, value }: AnyValue): MessageInitShape<DescMessage> {
    return fromBinary(this.message(typeUrl.slice(typeUrl.lastIndexOf("/") + 1)), value);
  }

  #write(fields: object): Uint8Array {
    return toBinary(this.#response, create(this.#response, fields as MessageInitShape<DescMessage>));
  }
}
