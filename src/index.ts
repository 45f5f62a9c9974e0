export type { HealthCheckOptions } from "./availability/health-checks.ts";
export type {
  FailurePercentageOptions,
  OutlierInit,
  OutlierOptions,
  SuccessRateOptions,
} from "./availability/outlier-options.ts";
export { type LeastRequestOptions, leastRequest } from "./balancing/least-request.ts";
export { type PeakEwmaOptions, peakEwma } from "./balancing/peak-ewma.ts";
export { type PickFirstOptions, pickFirst } from "./balancing/pick-first.ts";
export type { AttemptOutcome, Drop, Pick, Picker, PickInfo, PickTracker } from "./balancing/picker.ts";
export {
  type LoadBalancing,
  type Policy,
  type PolicyController,
  type PolicyFacts,
  type PolicyUpdate,
  pickFromReady,
  type ReadyPicker,
  type SubscriptionRequest,
} from "./balancing/policy.ts";
export { randomPick } from "./balancing/random-pick.ts";
export { type RingHashOptions, ringHash } from "./balancing/ring-hash.ts";
export { roundRobin } from "./balancing/round-robin.ts";
export { type WeightedRoundRobinOptions, weightedRoundRobin } from "./balancing/weighted-round-robin.ts";
export type { Availability } from "./base/availability.ts";
export type { ConnectivityState } from "./base/connectivity-state.ts";
export type { Failure, FailureFact, FailureKind, Progress, WireStatus } from "./base/errors.ts";
export { type GlinkFailure, glinkFailureOf } from "./base/glink-failure.ts";
export type { MethodSpec } from "./base/method-spec.ts";
export { peerText } from "./base/peer-text.ts";
export type { ProtocolName } from "./base/protocol-name.ts";
export type { CauseFact } from "./base/thrown.ts";
export { version } from "./base/version.ts";
export { type AttemptReport, type GlinkCallOptions, glinkCall } from "./calls/call-options.ts";
export type { RetryInit } from "./calls/calls-options.ts";
export type { AdmissionOptions } from "./calls/guards/admission-options.ts";
export type { HedgingOptions, Percentile } from "./calls/hedging/hedging-options.ts";
export type { ExplainedValue, PolicyExplanation } from "./calls/methods/explanation.ts";
export type { MethodConfig, MethodRetry } from "./calls/methods/method-config.ts";
export type { MethodConfigs } from "./calls/methods/methods-options.ts";
export type { ServiceConfig } from "./calls/methods/service-config.ts";
export type { RetryBudgetOptions, RetryOptions } from "./calls/retry/retry-options.ts";
export type { WaitOptions } from "./channel/channel.ts";
export type { Address, TcpAddress, UnixAddress } from "./endpoint/address.ts";
export {
  type AttributeKey,
  type Attributes,
  attributeKey,
  endpointHashKey,
  endpointHostname,
  endpointPriority,
  endpointWeight,
  endpointZone,
  endpointZoneHints,
  noAttributes,
} from "./endpoint/attributes.ts";
export type { Endpoint } from "./endpoint/endpoint.ts";
export type { CertificateFacts } from "./http2/dial/certificate.ts";
export type { DialStage } from "./http2/dial/dial-failure.ts";
export type { ProxyInit, ProxyOptions } from "./http2/dial/proxy.ts";
export type { ForeignProtocol } from "./http2/foreign-answer.ts";
export { type ProbeOptions, probe } from "./http2/probe.ts";
export type { ProbeFailure, ProbeReport } from "./http2/probe-report.ts";
export type { BackendFact, EjectionReason } from "./observe/backend-facts.ts";
export type { AttemptContext, CallContext } from "./observe/call-channels.ts";
export type { CallFact, DropReason, WithheldReason } from "./observe/call-facts.ts";
export type { ConnectionCounts, TimedCounts } from "./observe/connection-counters.ts";
export type { CallCounts, RetryCause } from "./observe/counters.ts";
export type { ConnectContext } from "./observe/dial-observer.ts";
export type { GlinkListener } from "./observe/event-bus.ts";
export type { GlinkEvent, ThrownFact } from "./observe/events.ts";
export type {
  AttemptEnd,
  AttemptHeader,
  AttemptStart,
  AttemptTracer,
  CallEnd,
  CallStart,
  CallTracer,
  ChannelNames,
  ChannelView,
  Ending,
  Instrumentation,
} from "./observe/instrumentation.ts";
export type { LogFunction, Logger } from "./observe/logger.ts";
export type { PeerLimits } from "./observe/peer-limits.ts";
export type { ResolverCounts } from "./observe/resolver-counters.ts";
export type { ResolverFact } from "./observe/resolver-facts.ts";
export type { ResolveContext } from "./observe/resolver-observer.ts";
export type { RetireReason } from "./observe/retire-reason.ts";
export type {
  ConnectionSnapshot,
  DrainingSnapshot,
  GlinkSnapshot,
  LeftOutSnapshot,
  ResolutionSnapshot,
  RetryBudgetSnapshot,
  SubchannelSnapshot,
} from "./observe/snapshot.ts";
export type { SocketFacts, TlsFacts } from "./observe/socket-facts.ts";
export type { WaitReason } from "./observe/wait-reason.ts";
export type { ExactSubset, SubsetSize } from "./pool/subset-options.ts";
export { type ConnectingSocket, type ConnectLimit, limitConnect } from "./resolver/connect-limit.ts";
export { type DnsResolverOptions, dnsResolver } from "./resolver/dns.ts";
export { type FileResolverOptions, fileResolver } from "./resolver/file.ts";
export type { Resolution, Resolver, ResolverListener, ResolverTarget, ResolverWatch } from "./resolver/resolver.ts";
export type { RunEnd } from "./resolver/run-loop.ts";
export { type SrvResolverOptions, srvResolver } from "./resolver/srv.ts";
export { staticResolver } from "./resolver/static.ts";
export { unixResolver } from "./resolver/unix.ts";
export { type ListRun, type WatchListOptions, watchList } from "./resolver/watch-list.ts";
export type { BackoffOptions } from "./runtime/backoff.ts";
export { type Clock, systemClock, type TimerHandle } from "./runtime/clock.ts";
export { type ProcessHold, systemHold } from "./runtime/process-hold.ts";
export type { Random } from "./runtime/random.ts";
export type { Runtime } from "./runtime/runtime.ts";
export type { Backend } from "./subchannel/backend.ts";
export type { ConnectionLimits } from "./subchannel/growth.ts";
export {
  type CallOptionsFromInit,
  callOptionsFrom,
  type ServedConnectCall,
  type ServedGrpcCall,
} from "./transport/call-options-from.ts";
export { type GlinkTransport, glinkTransport } from "./transport/transport.ts";
export type { GlinkTransportOptions } from "./transport/transport-options.ts";
