import type { MethodSpec } from "../../base/method-spec.ts";
import type { HedgingOptions } from "./hedging-options.ts";

/** Why the calls of a method are not hedged. Undefined: they are. */
export function hedgingRefusal(
  { singleRequest, idempotency }: Pick<MethodSpec, "singleRequest" | "idempotency">,
  { idempotentOnly }: HedgingOptions,
): string | undefined {
  if (!singleRequest) return "its requests are streams";
  if (idempotentOnly && idempotency === "unknown") return "its proto declares no idempotency_level";
  return undefined;
}
