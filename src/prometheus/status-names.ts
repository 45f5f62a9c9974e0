import { Code } from "@connectrpc/connect";

export const okName = "OK";

/** gRPC's name of a status: `DEADLINE_EXCEEDED` of `DeadlineExceeded` or of its code. */
export function statusName(code: Code | string | undefined): string {
  if (code === undefined) return okName;
  const name = typeof code === "string" ? code : Code[code];
  // Connect writes it with one l.
  if (name === "Canceled") return "CANCELLED";
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
