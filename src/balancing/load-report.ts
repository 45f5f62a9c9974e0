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

const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 };

/** Reads a report. Undefined: the bytes are none. Fields that are not known are left out, as protobuf has it. */
export function readLoadReport(bytes: Uint8Array): LoadReport | undefined {
  try {
    const report = new Map<string, number>();
    readFields(bytes, (number, value) => {
      const name = typeof value === "number" ? doubles[number] : maps[number];
      if (name === undefined) return;
      if (typeof value === "number") report.set(name, value);
      else readEntry(value, name, report);
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
  readFields(bytes, (number, value) => {
    if (number === 1 && typeof value !== "number") key = new TextDecoder().decode(value);
    else if (number === 2 && typeof value === "number") metric = value;
  });
  report.set(`${name}.${key}`, metric);
}

/** Tells each double and each length-delimited field. Throws a RangeError where the bytes end too early. */
function readFields(bytes: Uint8Array, onField: (number: number, value: number | Uint8Array) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const varint = () => {
    let value = 0;
    // Numbers above 2 ** 53 lose their last digits: nothing that is read here has them.
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = view.getUint8(at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a varint is too long");
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case wireType.varint:
        varint();
        break;
      case wireType.fixed64:
        onField(number, view.getFloat64(at, true));
        at += 8;
        break;
      case wireType.bytes: {
        const length = varint();
        if (at + length > bytes.length) throw new RangeError("a field is longer than the message");
        onField(number, bytes.subarray(at, at + length));
        at += length;
        break;
      }
      case wireType.fixed32:
        at += 4;
        break;
      default:
        throw new RangeError("a field has no known type");
    }
  }
}
