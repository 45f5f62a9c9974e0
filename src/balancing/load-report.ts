import { readFields } from "../base/protobuf.ts";

/**
 * What a backend says of its load: `xds.data.orca.v3.OrcaLoadReport` (gRFC A51), by names as gRFC A114 has them:
 * `cpu_utilization`, `rps_fractional`, and of a map with the key after it: `named_metrics.queue`.
 */
export type LoadReport = ReadonlyMap<string, number>;

const doubles: Readonly<Record<number, string>> = {
  1: "cpu_utilization",
  2: "mem_utilization",
  6: "rps_fractional",
  7: "eps",
  9: "application_utilization",
};

const maps: Readonly<Record<number, string>> = { 4: "request_cost", 5: "utilization", 8: "named_metrics" };

/** Reads a report. Undefined: the bytes are none. Fields that are not known are left out, as protobuf has it. */
export function readLoadReport(bytes: Uint8Array): LoadReport | undefined {
  try {
    const report = new Map<string, number>();
    readFields(bytes, {
      onDouble: (number, value) => {
        const name = doubles[number];
        if (name !== undefined) report.set(name, value);
      },
      onBytes: (number, value) => {
        const name = maps[number];
        if (name !== undefined) readEntry(value, name, report);
      },
    });
    return report;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readEntry(bytes: Uint8Array, name: string, report: Map<string, number>): void {
  let key = "";
  let metric = 0;
  readFields(bytes, {
    onBytes: (number, value) => {
      if (number === 1) key = new TextDecoder().decode(value);
    },
    onDouble: (number, value) => {
      if (number === 2) metric = value;
    },
  });
  report.set(`${name}.${key}`, metric);
}
