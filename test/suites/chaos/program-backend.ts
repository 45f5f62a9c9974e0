import type { ChaosBackend } from "./backends.ts";
import type { BackendKind, PlannedBackend } from "./plan.ts";

/** Servers in other languages, and why each cannot run here. */
export function missingPrograms(): ReadonlyMap<BackendKind, string> {
  return new Map<BackendKind, string>([
    ["grpc-go", "todo"],
    ["c-core", "todo"],
  ]);
}

export async function startProgram(kind: "grpc-go" | "c-core", _planned: PlannedBackend): Promise<ChaosBackend> {
  throw new Error(kind);
}
