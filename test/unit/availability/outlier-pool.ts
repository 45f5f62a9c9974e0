import { Code } from "@connectrpc/connect";
import { checkAvailabilityOptions } from "../../../src/availability/availability-options.ts";
import type { OutlierInit } from "../../../src/availability/outlier-options.ts";
import type { Failure } from "../../../src/base/errors.ts";
import type { MethodSpec } from "../../../src/base/method-spec.ts";
import type { CallConnection } from "../../../src/subchannel/call-connection.ts";
import type { Subchannel } from "../../../src/subchannel/subchannel.ts";
import { callsTo, fakePool, ManualResolver, pickInfo, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

/** What a call comes to at one backend: undefined is success. */
export type Outcome = (address: string, method: MethodSpec) => Failure | undefined;

export const never = Number.POSITIVE_INFINITY;

export function status(code: Code): Failure {
  return { kind: "status", code, progress: "unknown", message: "no" };
}

export const unavailable = status(Code.Unavailable);

/** A call whose end its backend hears. */
export class EndedCall extends TestCall {
  connection: CallConnection | undefined;

  override onPicked(connection: CallConnection): void {
    super.onPicked(connection);
    this.connection = connection;
  }

  end(outcome: Outcome, method = pickInfo.method, deadlineMs = never): void {
    const { connection } = this;
    if (connection === undefined) return;
    connection.noteEnd(outcome(connection.address, method), { method, deadlineMs });
    this.stream?.finish();
  }
}

/** How such a pool differs from the usual one. */
export interface Setting {
  readonly size?: number;
  readonly outlierDetection?: OutlierInit;
  readonly panicThreshold?: number;
  /** As that of the resolver. */
  readonly confirmLosses?: boolean;
}

/** A pool of backends of which a test says what calls to them come to. */
export async function poolOf({
  size = 4,
  outlierDetection = {},
  panicThreshold = 0.5,
  confirmLosses = false,
}: Setting = {}) {
  const availability = checkAvailabilityOptions({ outlierDetection, panicThreshold });
  const resolver = Object.assign(new ManualResolver(), { confirmLosses });
  const all = fakePool({ availability, resolver });
  const addresses = Array.from({ length: size }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  all.pool.wake();
  resolver.report(...addresses);
  await settle();
  const call = (outcome: Outcome, method?: MethodSpec) => {
    const one = new EndedCall(all.pool).start();
    one.end(outcome, method);
    return one.backend;
  };
  const calls = async (count: number, outcome: Outcome, method?: MethodSpec) => {
    for (let i = 0; i < count; i++) {
      call(outcome, method);
      await settle();
    }
  };
  const bad = all.pool.subchannels[0] as Subchannel;
  /** The first backend fails, and the others do not. */
  const oneFails: Outcome = (address) => (address === bad.id ? unavailable : undefined);
  const served = () => [...callsTo(all.pool, 4 * size).keys()].sort();
  return { ...all, resolver, bad, call, calls, oneFails, served };
}
