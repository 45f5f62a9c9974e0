/** An EndpointSlice as the API server sends it. */
export interface SliceObject {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly addressType?: string;
  readonly ports?: unknown;
  readonly endpoints?: unknown;
}

/** An endpoint of a slice that is ready, in the spelling of a pod of a Service. */
export function readyEndpoint(address: string, more: object = {}): object {
  return {
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: "Pod", name: `pod-${address}`, uid: `uid-${address}` },
    ...more,
  };
}

/** A slice with a port named grpc. */
export function slice(name: string, endpoints: readonly object[], more: object = {}): SliceObject {
  return {
    metadata: { name },
    addressType: "IPv4",
    ports: [{ name: "grpc", port: 50_051, protocol: "TCP" }],
    endpoints,
    ...more,
  };
}
