/** What the processes of a run tell each other. */

export interface HostConfig {
  readonly library: "connect-node" | "grpc-js";
}

export interface ServeRequest {
  readonly type: "serve";
  /** The backend's number in the round. */
  readonly id: number;
  readonly tls: boolean;
  readonly maxStreams?: number;
}

export type ToHost =
  | ServeRequest
  /** The server ends gracefully: GOAWAY, and time for open calls. */
  | { readonly type: "drain"; readonly id: number }
  | { readonly type: "health"; readonly id: number; readonly serving: boolean }
  | { readonly type: "count"; readonly id: number }
  /** Ends every server. */
  | { readonly type: "clear" };

export type FromHost =
  | { readonly type: "hosting" }
  | { readonly type: "serving"; readonly id: number; readonly port: number }
  | {
      readonly type: "counted";
      readonly id: number;
      /** False: it has ended, or its process was another one. */
      readonly isServing: boolean;
      readonly executions: Readonly<Record<string, number>>;
    }
  | { readonly type: "cleared" };

/** What a round's client is started with. */
export interface ClientConfig {
  /** A file with the plan. */
  readonly planPath: string;
  readonly place: Place;
}

/** Where the round's servers are. */
export interface Place {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly dnsServer: string;
  readonly proxyUrl: string;
}

/** The name that address and SRV records are about, and certificates. */
export const serviceName = "echo.test";

/** `quiet`: there are no calls, and none will come. */
export type FromClient = { readonly type: "ready" } | { readonly type: "quiet" } | RoundReport;

/** What the client saw. */
export interface RoundReport {
  readonly type: "report";
  readonly findings: readonly Finding[];
  /** By the call's id, then by address: attempts that may have run there. */
  readonly attempts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly ended: Readonly<Record<string, number>>;
  readonly recoveredMs: number | undefined;
}

export interface ToClient {
  readonly type: "begin" | "healed";
}

/** An invariant that did not hold. */
export interface Finding {
  readonly invariant: string;
  readonly text: string;
}

/** What is the same in two findings of the same fault. */
export function signatureOf({ invariant, text }: Finding): string {
  return `${invariant}: ${text.replaceAll(/\d+/g, "N").slice(0, 120)}`;
}
