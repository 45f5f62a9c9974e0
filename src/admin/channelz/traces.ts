import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type ChannelTraceEventSchema,
  type ChannelTraceSchema,
  ChannelTraceEvent_Severity as Severity,
} from "../../../proto/gen/grpc/channelz/v1/channelz_pb.js";
import type { GlinkEvent } from "../../index.ts";
import { eventWords } from "../history/event-words.ts";
import type { ChannelEntry, SubchannelEntry } from "./directory.ts";

type TraceMessage = MessageInitShape<typeof ChannelTraceSchema>;

export function channelTrace({ snapshot, trace }: ChannelEntry): TraceMessage {
  const ids = new Map(snapshot.subchannels.map(({ id, address }) => [address, id]));
  return {
    numEventsLogged: BigInt(trace.heard),
    creationTimestamp: timestampFromMs(snapshot.createdAtMs),
    events: trace.events.map((event) => eventMessage(event, ids)),
  };
}

/** Of the channel's trace what is about this backend. When it was made is known while the trace tells of it. */
export function subchannelTrace({ channel, subchannel }: SubchannelEntry): TraceMessage {
  const { address } = subchannel;
  const events = channel.trace.events.filter((event) => "address" in event && event.address === address);
  const made = channel.trace.events.findLast((event) => event.type === "pool-updated" && event.added.includes(address));
  return {
    numEventsLogged: BigInt(events.length),
    ...(made === undefined ? {} : { creationTimestamp: timestampFromMs(made.at) }),
    events: events.map((event) => eventMessage(event, new Map())),
  };
}

function eventMessage(
  event: GlinkEvent,
  subchannelIds: ReadonlyMap<string, number>,
): MessageInitShape<typeof ChannelTraceEventSchema> {
  const address = "address" in event ? event.address : undefined;
  const id = address === undefined ? undefined : subchannelIds.get(address);
  const words = eventWords(event);
  return {
    description: address === undefined || id !== undefined ? words : `${address}: ${words}`,
    severity: severityOf(event),
    timestamp: timestampFromMs(event.at),
    ...(address === undefined || id === undefined
      ? {}
      : { childRef: { case: "subchannelRef", value: { subchannelId: BigInt(id), name: address } } }),
  };
}

const warnings: ReadonlySet<GlinkEvent["type"]> = new Set([
  "connect-failed",
  "ping-timeout",
  "renewal-failed",
  "resolve-failed",
  "subchannel-silent",
  "subchannel-suspect",
]);

function severityOf(event: GlinkEvent): Severity {
  if (event.type === "user-code-failed") return Severity.CT_ERROR;
  const isWarning =
    warnings.has(event.type) ||
    (event.type === "subchannel-state" && event.to === "transient-failure") ||
    (event.type === "goaway" && event.http2Code !== 0);
  return isWarning ? Severity.CT_WARNING : Severity.CT_INFO;
}
