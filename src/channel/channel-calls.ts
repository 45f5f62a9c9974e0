import type { CallFactory } from "../calls/call.ts";
import type { CallContext } from "../calls/call-context.ts";
import { AdmissionControl } from "../calls/guards/admission-control.ts";
import type { CallGuard } from "../calls/guards/call-guard.ts";
import { GuardedCalls } from "../calls/guards/guarded-calls.ts";
import { OpenCallLimit } from "../calls/guards/open-call-limit.ts";
import { MethodPolicies } from "../calls/methods/method-policies.ts";
import { ServiceConfigUse } from "../calls/methods/service-config-use.ts";
import { ReplayMemory } from "../calls/retry/replay-memory.ts";
import { RetryBudget } from "../calls/retry/retry-budget.ts";
import { retryDefaults } from "../calls/retry/retry-options.ts";
import { RetryingCalls } from "../calls/retrying-calls.ts";
import type { CallCounters } from "../observe/counters.ts";
import type { Events } from "../observe/events.ts";
import type { CallSource } from "../pool/call-source.ts";
import { MessageMemory } from "../protocol/message-memory.ts";
import type { Protocol } from "../protocol/protocol.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ChannelSettings } from "./channel-options.ts";

/** What the calls of a channel are made of. */
export interface CallParts {
  readonly source: CallSource;
  readonly events: Events;
  readonly runtime: Runtime;
  readonly counters: CallCounters;
  readonly protocol: Protocol;
}

/** How the calls of a channel are made, and what holds for them. */
export interface ChannelCalls {
  readonly calls: CallFactory;
  readonly policies: MethodPolicies;
  readonly serviceConfig: ServiceConfigUse;
  /** To be called once nobody calls any more. */
  closed(): void;
}

export function callsOf(settings: ChannelSettings, parts: CallParts): ChannelCalls {
  const { retry, readMaxBytes, methods = {}, serviceConfig, ofAllMethods } = settings;
  const { source, events, runtime, counters, protocol } = parts;
  const { clock, random } = runtime;
  // A call may ask for retries where the channel has none: the default budget is for those.
  const { budget, bufferTotalMaxBytes } = retry === false ? retryDefaults : retry;
  const policies = new MethodPolicies({ methods, transport: ofAllMethods });
  const ownLimit = budget === false ? undefined : new RetryBudget(budget, clock);
  const use = new ServiceConfigUse({ policies, ownLimit, clock, events }, serviceConfig);
  const limits = { readMaxBytes, messageMemory: new MessageMemory() };
  const context: CallContext = {
    attempt: { source, protocol, limits, clock, events, counters },
    random,
    retryLimit: use.retryLimit,
    replayMemory: new ReplayMemory(bufferTotalMaxBytes),
  };
  const calls = new RetryingCalls(context, policies);
  const guards = guardsOf(settings, runtime);
  return {
    calls: guards.length === 0 ? calls : new GuardedCalls(calls, guards, { clock, events, counters }),
    policies,
    serviceConfig: use,
    closed: () => ownLimit?.close(),
  };
}

/** Those that are asked for. A call that the first one drops is none for the second. */
function guardsOf({ maxOpenCalls, admission }: ChannelSettings, { clock, random }: Runtime): readonly CallGuard[] {
  const guards: CallGuard[] = [];
  if (maxOpenCalls !== Number.POSITIVE_INFINITY) guards.push(new OpenCallLimit(maxOpenCalls));
  if (admission !== false) guards.push(new AdmissionControl(admission, clock, random));
  return guards;
}
