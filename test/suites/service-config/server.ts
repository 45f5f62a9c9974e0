import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Step } from "./cases.ts";

/** A server that answers each attempt as the case of its call says, and counts attempts. */
export interface AnsweringServer {
  readonly port: number;
  /** Attempts by the key of their call. */
  readonly attempts: ReadonlyMap<string, number>;
  close(): void;
}

const head = { ":status": 200, "content-type": "application/grpc+proto" };

/** `stepsOf`: the answers to the attempts of a call, by its key; the last one for all that follow. */
export async function answeringServer(stepsOf: (key: string) => readonly Step[]): Promise<AnsweringServer> {
  const attempts = new Map<string, number>();
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined).once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    const key = String(headers["x-call"]);
    const attempt = attempts.get(key) ?? 0;
    attempts.set(key, attempt + 1);
    const steps = stepsOf(key);
    stream.on("error", () => undefined).resume();
    answer(stream, steps[attempt] ?? (steps.at(-1) as Step));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    attempts,
    close() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

function answer(stream: ServerHttp2Stream, step: Step): void {
  if (step === "silent") return;
  if (step === "refuse") stream.close(7);
  else if (step === "lose") stream.session?.destroy();
  else if (step === "ok") withTrailers(stream, 0, Buffer.alloc(5));
  else if (typeof step === "number") trailersOnly(stream, { "grpc-status": step });
  else if ("late" in step) withTrailers(stream, step.late);
  else trailersOnly(stream, { "grpc-status": 14, "grpc-retry-pushback-ms": step.pushback });
}

function trailersOnly(stream: ServerHttp2Stream, fields: Record<string, string | number>): void {
  stream.respond({ ...head, ...fields }, { endStream: true });
}

function withTrailers(stream: ServerHttp2Stream, status: number, body?: Buffer): void {
  stream.respond(head, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  stream.end(body);
}
