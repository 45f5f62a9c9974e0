import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { EchoService, UnaryRequestSchema, UnaryResponseSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkFailureOf, glinkTransport, staticResolver } from "../../../src/index.ts";
import { Invariants } from "../../support/invariants.ts";

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
  readonly ms: number;
}

export const clientNames = ["glink, wire", "glink, node", "createGrpcTransport", "grpc-js"] as const;
export type ClientName = (typeof clientNames)[number];

/** Makes one unary call with this client, and lets go of it. Of glink, with what has to hold of the call. */
export async function callWith(
  name: ClientName,
  address: string,
): Promise<{ readonly outcome: Outcome; readonly invariants?: Invariants }> {
  if (name === "grpc-js") return { outcome: await callGrpcJs(address) };
  if (name === "createGrpcTransport") {
    const peer = createClient(EchoService, createGrpcTransport({ baseUrl: `http://${address}` }));
    return { outcome: await timed(() => peer.unary({ text: "fault" }, { timeoutMs })) };
  }
  const transport = glinkTransport({
    http2: name === "glink, wire" ? "wire" : "node",
    baseUrl: "http://echo.test",
    resolver: staticResolver([address]),
  });
  const client = createClient(EchoService, transport);
  const invariants = new Invariants(transport);
  try {
    const outcome = await timed(async () => {
      const call = await invariants.call((options) => client.unary({ text: "fault" }, options), {}, { timeoutMs });
      if (call.error !== undefined) throw call.error;
    });
    const attempts = invariants.calls.flatMap((call) => call.attempts);
    const failed = attempts.findLast(({ progress }) => progress !== undefined);
    return {
      outcome: {
        ...outcome,
        attempts: attempts.filter(({ address: to }) => to !== undefined).length,
        ...(failed?.progress === undefined || outcome.code === "OK" ? {} : { progress: failed.progress }),
      },
      invariants,
    };
  } finally {
    await transport.close({ timeoutMs: 0 });
  }
}

async function timed(make: () => Promise<unknown>): Promise<Outcome> {
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
        new Promise<void>((resolve, reject) => {
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
