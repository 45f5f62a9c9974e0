export type { Address, TcpAddress, UnixAddress } from "./address.ts";
export { type PickFirstOptions, pickFirst } from "./balancing/pick-first.ts";
export type { Picker, PickInfo } from "./balancing/picker.ts";
export {
  type LoadBalancing,
  type Policy,
  type PolicyController,
  type PolicyUpdate,
  pickFromReady,
  type ReadyPicker,
} from "./balancing/policy.ts";
export { roundRobin } from "./balancing/round-robin.ts";
export { type AttemptReport, type GlinkCallOptions, glinkCall } from "./call/call-options.ts";
export type { RetryBudgetOptions, RetryOptions } from "./call/retry-options.ts";
export type { ConnectivityState } from "./connectivity-state.ts";
export {
  type CallFailure,
  callFailureOf,
  type Failure,
  type FailureFact,
  type FailureKind,
  type Progress,
  type WireStatus,
} from "./errors.ts";
export type { GlinkEvent, ThrownFact, WithheldReason } from "./events.ts";
export type { GlinkTransportOptions, RetryInit } from "./options.ts";
export type { GlinkTransport, WaitOptions } from "./pooled-transport.ts";
export { type DnsResolverOptions, dnsResolver } from "./resolver/dns.ts";
export type { Resolver, ResolverListener, ResolverTarget, ResolverWatch } from "./resolver/resolver.ts";
export { staticResolver } from "./resolver/static.ts";
export { unixResolver } from "./resolver/unix.ts";
export type { BackoffOptions } from "./runtime/backoff.ts";
export type { Clock, TimerHandle } from "./runtime/clock.ts";
export type { ProcessHold } from "./runtime/process-hold.ts";
export type { Random } from "./runtime/random.ts";
export type { Runtime } from "./runtime/runtime.ts";
export type { GlinkSnapshot, SubchannelSnapshot } from "./snapshot.ts";
export type { Availability, Backend } from "./subchannel/backend.ts";
export type { GlinkListener } from "./telemetry/event-bus.ts";
export type { LogFunction, Logger } from "./telemetry/logger.ts";
export type { CauseFact } from "./thrown.ts";
export { glinkTransport } from "./transport.ts";
