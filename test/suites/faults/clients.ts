import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createContextValues, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { EchoService, UnaryRequestSchema, UnaryResponseSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type AttemptReport, glinkCall, glinkFailureOf, glinkTransport, staticResolver } from "../../../src/index.ts";

/** The deadline of each call. */
export const timeoutMs = 2_000;

/** What a client's call came to. */
export interface Outcome {
  /** `OK`, the name of the code, or `never` for one that did not settle. */
  readonly code: string;
  /** Of glink: kind and progress of the failure, and attempts. */
  readonly kind?: string;
  readonly progress?: string;
  readonly attempts?: number;
  /** The last attempt succeeded, and its message could not be read. */
  readonly unreadable?: boolean;
  readonly ms: number;
}

export const clientNames = ["glink, wire", "glink, node", "createGrpcTransport", "grpc-js"] as const;
export type ClientName = (typeof clientNames)[number];

/** Makes one unary call with this client, and lets go of it. */
export async function callWith(name: ClientName, address: string): Promise<Outcome> {
  if (name === "grpc-js") return callGrpcJs(address);
  if (name === "createGrpcTransport") return timed(() => call(createGrpcTransport({ baseUrl: `http://${address}` })));
  const transport = glinkTransport({
    http2: name === "glink, wire" ? "wire" : "node",
    baseUrl: "http://echo.test",
    resolver: staticResolver([address]),
  });
  const attempts: AttemptReport[] = [];
  try {
    const outcome = await timed(() => call(transport, attempts));
    const failed = attempts.findLast(({ progress }) => progress !== undefined);
    return {
      ...outcome,
      attempts: attempts.filter(({ address: to }) => to !== undefined).length,
      ...(outcome.code !== "OK" && attempts.at(-1)?.code === undefined && attempts.length > 0
        ? { unreadable: true }
        : {}),
      ...(failed?.progress === undefined || outcome.code === "OK" ? {} : { progress: failed.progress }),
    };
  } finally {
    await transport.close({ timeoutMs: 0 });
  }
}

async function call(transport: Transport, attempts?: AttemptReport[]): Promise<void> {
  const contextValues = createContextValues().set(glinkCall, { onAttempt: (report) => attempts?.push(report) });
  await createClient(EchoService, transport).unary({ text: "fault" }, { timeoutMs, contextValues });
}

async function timed(make: () => Promise<void>): Promise<Outcome> {
  const startedMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<"never">((resolve) => {
    timer = setTimeout(() => resolve("never"), timeoutMs + 1_500);
  });
  const settled = make().then(
    () => ({ code: "OK" }),
    (error: unknown) => {
      if (!(error instanceof ConnectError)) return { code: "other", kind: String(error) };
      const kind = glinkFailureOf(error)?.kind;
      return { code: Code[error.code] ?? "a code that is none", ...(kind === undefined ? {} : { kind }) };
    },
  );
  const outcome = await Promise.race([settled, never]);
  clearTimeout(timer);
  return { ...(outcome === "never" ? { code: outcome } : outcome), ms: Math.round(performance.now() - startedMs) };
}

async function callGrpcJs(address: string): Promise<Outcome> {
  const client = new Client(address, credentials.createInsecure());
  try {
    return await timed(
      () =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(
            "/glink.demo.v1.EchoService/Unary",
            (bytes: Uint8Array) => Buffer.from(bytes),
            (bytes) => fromBinary(UnaryResponseSchema, bytes),
            toBinary(UnaryRequestSchema, create(UnaryRequestSchema, { text: "fault" })),
            { deadline: Date.now() + timeoutMs },
            (error: ServiceError | null) =>
              error === null ? resolve() : reject(new ConnectError(error.details, error.code as number as Code)),
          );
        }),
    );
  } finally {
    client.close();
  }
}
