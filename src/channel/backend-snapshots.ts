import type { LeftOutFacts } from "../availability/left-out.ts";
import type { PolicyFacts } from "../balancing/policy.ts";
import { factOf } from "../base/errors.ts";
import { peerText } from "../base/peer-text.ts";
import { type AttributeKey, endpointHostname, endpointPriority, endpointZone } from "../endpoint/attributes.ts";
import { limitOf } from "../observe/dial-observer.ts";
import type { ConnectionSnapshot, DrainingSnapshot, LeftOutSnapshot, SubchannelSnapshot } from "../observe/snapshot.ts";
import type { DrainingConnection } from "../pool/drain.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { WallTime } from "./wall-time.ts";

/** What others know of a backend. */
export interface BackendFacts {
  /** See {@link SubchannelSnapshot.stale}. */
  readonly stale: boolean;
  readonly policy: PolicyFacts | undefined;
  readonly leftOut: LeftOutFacts | undefined;
}

/** One backend at the moment of `time`. */
export function subchannelSnapshot(
  subchannel: Subchannel,
  { stale, policy, leftOut }: BackendFacts,
  time: WallTime,
): SubchannelSnapshot {
  const { lastFailure, lastRenewalFailure, counters } = subchannel;
  const connections = subchannel.connections.map((live) => connectionSnapshot(live, time));
  return {
    id: subchannel.serial,
    address: subchannel.id,
    state: subchannel.state,
    stateSinceMs: time.at(subchannel.stateSinceMs),
    availability: subchannel.availability,
    stale,
    leftOut: leftOut && leftOutSnapshot(leftOut, time),
    weight: subchannel.weight,
    zone: textOf(endpointZone, subchannel),
    priority: subchannel.endpoint.attributes.get(endpointPriority),
    hostname: textOf(endpointHostname, subchannel),
    policy: policy ?? {},
    connectionAgeMs: connections[0]?.ageMs,
    connections,
    openCalls: subchannel.openCalls,
    ...counters,
    lastError: lastFailure === undefined ? undefined : factOf(lastFailure),
    lastRenewalError: lastRenewalFailure === undefined ? undefined : factOf(lastRenewalFailure),
  };
}

/** A registry's text, as it may be shown. */
function textOf(key: AttributeKey<string | undefined>, { endpoint }: Subchannel): string | undefined {
  const text = endpoint.attributes.get(key);
  return text === undefined ? undefined : peerText(text);
}

export function drainingSnapshot(
  { live, address, reason, sinceMs }: DrainingConnection,
  time: WallTime,
): DrainingSnapshot {
  return { ...connectionSnapshot(live, time), backend: address, reason, sinceMs: time.at(sinceMs) };
}

function leftOutSnapshot({ sinceMs, untilMs, ejections }: LeftOutFacts, time: WallTime): LeftOutSnapshot {
  return { sinceMs: time.at(sinceMs), untilMs: untilMs === undefined ? undefined : time.at(untilMs), ejections };
}

function connectionSnapshot(live: LiveConnection, time: WallTime): ConnectionSnapshot {
  const { connection } = live;
  return {
    id: live.id,
    address: live.address,
    ...connection.socketFacts,
    ageMs: time.age(live.readySinceMs),
    openCalls: live.openCalls,
    callsStarted: live.calls,
    callsSucceeded: live.callsSucceeded,
    callsFailed: live.callsFailed,
    messagesSent: live.messagesSent,
    messagesReceived: live.messagesReceived,
    bytesSent: connection.bytesWritten,
    bytesReceived: connection.bytesRead,
    pingsSent: live.pingsSent,
    maxConcurrentStreams: limitOf(connection.maxConcurrentStreams),
    availability: live.availability,
  };
}
