import type { ResolverConfig } from "./messages.ts";
import type { Pace } from "./timeline.ts";

export interface Setup {
  readonly pace: Pace;
  readonly callsPerSecond: number;
  readonly deadlineMs: number;
  /** Whether backends differ by port because the machine has one loopback address. */
  readonly byPort: boolean;
  /** How glink finds them. */
  readonly resolver: ResolverConfig["type"];
}

/** What glink asks where it does not ask DNS. */
const resolverLines: Readonly<Record<ResolverConfig["type"], readonly string[]>> = {
  dns: [],
  file: ["glink has its backends from a file, by its fileResolver."],
  kubernetes: [
    "glink has its backends from EndpointSlices, by kubernetesResolver() of glink/kubernetes: the control plane is " +
      "Kubernetes' own, and the demo is the pods' kubelet.",
  ],
};

/** Before anything moves. */
export const firstLine = "Three clients, the same backends, the same load; fine print at the end.";

/** Where backends have no address each: said at once, since it changes what is seen. */
export const byPortLine = "This machine has 127.0.0.1 alone: backends differ by port, not by address.";

/** Where no backend can be frozen. */
export const noFreezeLine = "This system cannot stop a process and let it go on: no backend freezes.";

/** What was compared, and how far it is fair: one paragraph each. */
export function finePrint({ pace, callsPerSecond, deadlineMs, byPort, resolver }: Setup): string[] {
  const { rotationIntervalMs } = pace;
  return [
    `Each client is a process that makes ${callsPerSecond} calls/s with a deadline of ${deadlineMs} ms, and starts no ` +
      "more while 100 are open. Backends are servers of grpc-js and connect-node in turn. Faults hit the busiest " +
      "backend: the one with createGrpcTransport's connection, which would not notice a fault elsewhere.",
    "All clients have their defaults, but:",
    `glink has rotationIntervalMs ${rotationIntervalMs} instead of 30000, so that the demo is short.`,
    "createGrpcTransport takes one host name: it asks for it at every dial, and tries all backends of the answer.",
    "grpc-js has a service config with round_robin, and asks DNS after a lost connection at most every " +
      `${rotationIntervalMs} ms instead of 30000.`,
    "None has PINGs set, which would find a frozen backend (pingIntervalMs; on grpc-js keepalive), and grpc-js has no " +
      "retryPolicy for what a lost connection takes along.",
    `${resolver === "dns" ? "All" : "The others"} ask the demo's own DNS server` +
      (byPort
        ? ` for SRV records, which name ports: ${resolver === "dns" ? "glink by its srvResolver, " : ""}grpc-js by a resolver ` +
          "of the demo; createGrpcTransport has one port, behind which the demo passes each connection on to the first " +
          "backend that accepts."
        : "."),
    ...resolverLines[resolver],
  ];
}
