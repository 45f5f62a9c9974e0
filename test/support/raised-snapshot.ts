import type { GlinkSnapshot } from "../../src/index.ts";

/**
 * A snapshot in which nothing is at 0, made of a real one: each number is higher, and there are a backend of each
 * availability, one that panics, and a connection that drains.
 */
export function raisedSnapshot(snapshot: GlinkSnapshot): GlinkSnapshot {
  const raised = raise(snapshot) as GlinkSnapshot;
  const [backend] = raised.subchannels;
  const connection = backend?.connections[0];
  if (backend === undefined || connection === undefined) throw new Error("it has no backend that is connected");
  return {
    ...raised,
    takenAtMs: raised.takenAtMs + 1_000,
    subchannels: (["usable", "suspect", "unhealthy", "ejected"] as const).map((availability, i) => {
      return { ...backend, address: `10.0.0.${i}:1`, availability };
    }),
    draining: [{ ...connection, backend: backend.address, reason: "removed", sinceMs: 1 }],
  };
}

function raise(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return true;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(raise);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, raise(one)]));
}
