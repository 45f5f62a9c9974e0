import { endpointPriority } from "../endpoint/attributes.ts";
import type { Backend } from "../subchannel/backend.ts";

/** The level of a backend: 0 comes first (gRFC A56). */
export function priorityOf({ endpoint }: Backend): number {
  return endpoint.attributes.get(endpointPriority);
}
