import type { Connection, HeaderFields, MethodHead, Stream } from "../../../src/http2/connection.ts";
import { RecordingListener } from "../../unit/http2/wire/engine.ts";
import type { CallOutcome, RecordedCall } from "./corpus.ts";

/** HTTP/2's CANCEL. */
const cancel = 8;

/** The request side of a call. */
export type CallPlan = Omit<RecordedCall, "outcome">;

/** Starts the calls round by round, and resolves with their outcomes. `onRound`: called when a round has begun. */
export async function runRounds(
  connection: Connection,
  plans: readonly CallPlan[],
  onRound: (round: number) => void = () => undefined,
): Promise<CallOutcome[]> {
  const outcomes: CallOutcome[] = [];
  for (let round = 0; outcomes.length < plans.length; round++) {
    const ending = runTogether(
      connection,
      plans.filter((plan) => plan.round === round),
    );
    onRound(round);
    outcomes.push(...(await ending));
  }
  return outcomes;
}

/** Starts all calls at once with all of their messages, whatever their plans say of turns. Resolves with the outcomes. */
export function runAtOnce(connection: Connection, plans: readonly CallPlan[]): Promise<CallOutcome[]> {
  const eager = ({ sends, ...plan }: CallPlan): CallPlan => ({
    ...plan,
    sends: sends === "whole" ? sends : "streamed",
  });
  return runTogether(connection, plans.map(eager));
}

function runTogether(connection: Connection, plans: readonly CallPlan[]): Promise<CallOutcome[]> {
  return Promise.all(plans.map((plan) => runCall(connection, plan)));
}

async function runCall(connection: Connection, plan: CallPlan): Promise<CallOutcome> {
  const listener = new RecordingListener();
  const messages = plan.messages.map((hex) => Buffer.from(hex, "hex"));
  const head: MethodHead = {
    path: plan.path,
    fields: ["content-type", "application/grpc+proto", "te", "trailers", "user-agent", "glink/corpus"],
  };
  const whole = plan.sends === "whole" ? Buffer.concat(messages) : undefined;
  const stream = connection.request(head, plan.fields, whole, listener);
  if (stream === undefined) throw new Error(`the connection has no room for ${plan.path}`);
  if (plan.sends === "streamed") {
    for (const message of messages) stream.write(message);
    stream.end();
  }
  if (plan.sends === "in-turn") takeTurns(stream, messages, listener);
  const canceled = canceledAfter(plan.cancelAfter, stream, listener);
  const failure = await Promise.race([listener.closed, canceled]);
  if (failure === "canceled") return { type: "canceled" };
  if (failure !== undefined) {
    const { kind, code, progress } = failure;
    return { type: "failed", kind, code, progress };
  }
  const grpcStatus = fieldOf(listener.trailers, "grpc-status") ?? fieldOf(listener.headers, "grpc-status");
  return {
    type: "ended",
    httpStatus: listener.status,
    ...(grpcStatus === undefined ? {} : { grpcStatus }),
    trailersOnly: listener.events[0] === "headers+end",
    messages: countMessages(listener.body),
    bytes: listener.body.length,
  };
}

function takeTurns(stream: Stream, messages: readonly Uint8Array[], listener: RecordingListener): void {
  let sent = 0;
  let ended = false;
  const send = () => {
    while (sent < messages.length && sent <= countMessages(listener.body)) stream.write(messages[sent++] as Uint8Array);
    if (sent < messages.length || countMessages(listener.body) < sent || ended) return;
    ended = true;
    stream.end();
  };
  send();
  listener.on = (event) => {
    if (event === "data") send();
  };
}

function canceledAfter(count: number | undefined, stream: Stream, listener: RecordingListener): Promise<"canceled"> {
  return new Promise((resolve) => {
    if (count === undefined) return;
    const { on } = listener;
    listener.on = (event) => {
      on(event);
      if (countMessages(listener.body) < count) return;
      stream.reset(cancel);
      resolve("canceled");
    };
  });
}

/** Complete gRPC messages. */
function countMessages(body: Buffer): number {
  let count = 0;
  for (let at = 0; at + 5 <= body.length; count++) {
    at += 5 + body.readUInt32BE(at + 1);
    if (at > body.length) break;
  }
  return count;
}

function fieldOf(fields: HeaderFields, name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}
