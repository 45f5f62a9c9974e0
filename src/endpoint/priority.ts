import { endpointPriority } from "./attributes.ts";
import type { Endpoint } from "./endpoint.ts";

/** The level of a backend: 0 comes first (gRFC A56). */
export function priorityOf({ endpoint }: { readonly endpoint: Endpoint }): number {
  return endpoint.attributes.get(endpointPriority);
}
