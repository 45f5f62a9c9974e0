import type { Availability } from "../base/availability.ts";
import type { ConnectivityState } from "../base/connectivity-state.ts";
import type { Failure } from "../base/errors.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";

/** One backend as pickers and policies see it. The pool's subchannels are these. */
export interface Backend {
  /** Its identity, for as long as the resolver names it: the text of its address, or of its addresses. */
  readonly id: string;
  /** As the resolver names it now: attributes may change while the connection stays. */
  readonly endpoint: Endpoint;
  /**
   * Its share of calls, relative to the others' shares: the endpoint's `endpointWeight`, scaled by what availability knows
   * of it. Above 0.
   */
  readonly weight: number;
  /** A backend is a pick of itself. */
  readonly backend: Backend;
  /** Whether it can be reached. */
  readonly state: ConnectivityState;
  /** Whether calls should go there: apart from connectivity. */
  readonly availability: Availability;
  /** True when it is ready and its peer's MAX_CONCURRENT_STREAMS leaves room for one more call. */
  readonly hasRoom: boolean;
  /** Calls that are open on it now. */
  readonly openCalls: number;
  /**
   * Why the last dial failed. Kept while it is dialled again and cleared when it is ready: a backend that failed counts
   * as failed until it works ("sticky" TRANSIENT_FAILURE, gRPC's connectivity semantics).
   */
  readonly lastFailure: Failure | undefined;
  /** The resolver names it no longer: it serves until one that is named can, and then leaves. */
  readonly isLeaving?: boolean;
  /** Starts dialling if the state is idle. */
  connect(): void;
  /** To idle if it is connecting or ready: the dial is given up, the connection closed after its open calls. */
  disconnect(): void;
}
