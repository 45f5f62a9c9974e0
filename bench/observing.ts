import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { MethodSpec } from "../src/base/method-spec.ts";
import { CallObserver } from "../src/calls/call-observer.ts";
import { composeInstrumentations } from "../src/observe/compose-instrumentations.ts";
import { CallCounters } from "../src/observe/counters.ts";
import { EventBus } from "../src/observe/event-bus.ts";
import { prometheusHistograms } from "../src/prometheus/index.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { medianOf } from "./statistics.ts";

/*
 * node --import tsx bench/observing.ts
 * What observing costs a call: the counters of one unary call, the look whether a tracing channel is heard, and what
 * somebody who listens adds. CPU time, medians of rounds, in which everything is measured in turn.
 */

const rounds = 11;
const callsPerRound = 20_000;

const method: MethodSpec = {
  service: "glink.demo.v1.EchoService",
  name: "Unary",
  singleRequest: true,
  singleResponse: true,
  idempotency: "unknown",
};
const names = {
  target: "http://echo.test",
  grpcTarget: "dns:///echo.test:80",
  protocol: "grpc" as const,
  serverAddress: "echo.test",
  serverPort: 80,
};
const clock = systemClock();

/** What one call through it does to its observers. */
function observed(observer: CallObserver): () => void {
  const metadata: readonly string[] = [];
  const protocol = { ownNames: new Set<string>() } as never;
  return () => {
    const trace = observer.callStarted(method, undefined, undefined);
    const attempt = trace?.attempt({ number: 1, transparent: false, hedge: false });
    attempt?.start(metadata, protocol);
    attempt?.ended(undefined, "10.0.0.1:1", undefined);
    observer.callEnded(trace, undefined);
  };
}

const counters = new CallCounters();
const connection = { messagesSent: 0, messagesReceived: 0, callsSucceeded: 0 };
const backend = { callsSucceeded: 0 };
const bus = new EventBus("http://echo.test");
const quiet = observed(new CallObserver(names, { clock, events: bus }, undefined));
const listener = () => undefined;
const heard = observed(new CallObserver(names, { clock, events: bus }, undefined));
const measured = observed(
  new CallObserver(names, { clock, events: bus }, composeInstrumentations([prometheusHistograms()], bus)),
);

/** Each by its name: one call's worth of it. */
const cases: Readonly<Record<string, () => void>> = {
  "counters of one unary call": () => {
    counters.started++;
    counters.attemptStarted(undefined, 0);
    counters.sent(100);
    connection.messagesSent++;
    counters.received(100);
    connection.messagesReceived++;
    connection.callsSucceeded++;
    backend.callsSucceeded++;
    counters.succeeded++;
  },
  "is any event heard? (nobody listens)": () => {
    if (bus.active) throw new Error("somebody listens");
  },
  "start and end of a call, tracing channels unheard": quiet,
  "with prometheusHistograms": measured,
};

function nsPerCall(work: () => void): number {
  const before = process.cpuUsage();
  for (let i = 0; i < callsPerRound; i++) work();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / callsPerRound;
}

const samples = new Map<string, number[]>();
const note = (name: string, ns: number) => samples.set(name, [...(samples.get(name) ?? []), ns]);
for (let round = 0; round < rounds; round++) {
  for (const [name, work] of Object.entries(cases)) note(name, nsPerCall(work));
  subscribe("tracing:glink:call:start", listener);
  note("with one subscriber of tracing:glink:call:start", nsPerCall(heard));
  unsubscribe("tracing:glink:call:start", listener);
}
for (const [name, all] of samples) {
  console.log(`${medianOf(all).toFixed(1).padStart(8)} ns  ${name}`);
}
