import { type Endpoint, endpointId } from "../../../src/endpoint/endpoint.ts";
import {
  type Attributes,
  endpointHostname,
  endpointPriority,
  endpointWeight,
  endpointZone,
} from "../../../src/index.ts";
import type { Resolver, ResolverTarget, ResolverWatch } from "../../../src/resolver/resolver.ts";
import { type Clock, systemClock } from "../../../src/runtime/clock.ts";
import { systemHold } from "../../../src/runtime/process-hold.ts";
import { constantRandom } from "../../support/random.ts";

/** What a resolver that names endpoints has reported so far. */
export interface EndpointReports {
  readonly watch: ResolverWatch;
  /** Each list, as `describe` tells its endpoints, sorted. */
  readonly lists: readonly (readonly string[])[];
  readonly authoritative: readonly boolean[];
  readonly errors: readonly string[];
  close(): void;
}

/** `10.0.0.1:1`, and what differs from the defaults: `10.0.0.1:1 weight 2 zone a priority 1 of pod-1`. */
function describe({ attributes, ...endpoint }: Endpoint): string {
  return endpointId({ ...endpoint, attributes }) + describeAttributes(attributes);
}

function describeAttributes(attributes: Attributes): string {
  const weight = attributes.get(endpointWeight);
  const priority = attributes.get(endpointPriority);
  const zone = attributes.get(endpointZone);
  const hostname = attributes.get(endpointHostname);
  return [
    weight === 1 ? "" : ` weight ${weight}`,
    zone === undefined ? "" : ` zone ${zone}`,
    priority === 0 ? "" : ` priority ${priority}`,
    hostname === undefined ? "" : ` of ${hostname}`,
  ].join("");
}

/** Watches with real time, where no other is given, and as if a call were open. */
export function watchEndpoints(
  resolver: Resolver,
  target: ResolverTarget,
  clock: Clock = systemClock(),
): EndpointReports {
  const hold = systemHold();
  hold.acquire();
  const lists: string[][] = [];
  const authoritative: boolean[] = [];
  const errors: string[] = [];
  const watch = resolver.watch(
    target,
    {
      onResolution: ({ endpoints, authoritative: isAll = false }) => {
        lists.push(endpoints.map(describe).sort());
        authoritative.push(isAll);
      },
      onAddresses: () => undefined,
      onError: (error) => errors.push((error as Error).message),
    },
    { clock, random: constantRandom(), hold },
  );
  return {
    watch,
    lists,
    authoritative,
    errors,
    close() {
      watch.close();
      hold.close();
    },
  };
}
