import type { EngineName } from "../../support/engines.ts";
import type { JsonObject } from "./draws.ts";

/** All that happens in a round, as data: it is made from a seed, written down when it fails, and cut while it still fails. */
export interface Plan {
  readonly seed: number;
  readonly engine: EngineName;
  readonly protocol: "grpc" | "grpc-web" | "connect";
  readonly tls: boolean;
  readonly resolver: "dns" | "srv" | "static";
  /** Options of the transport, in the words of option-ranges.ts. */
  readonly options: JsonObject;
  readonly backends: readonly PlannedBackend[];
  /** In the order of their time. */
  readonly actions: readonly PlannedAction[];
  readonly calls: readonly PlannedCall[];
  /** When faults end, counted from the first call. */
  readonly stormMs: number;
  /** When the transport is closed, in the middle of it all, and how long it waits for open calls. */
  readonly close?: { readonly atMs: number; readonly timeoutMs: number };
}

/** Servers of real libraries; a frame peer that may be told to lie; and three addresses where no server is, for ever. */
export const backendKinds = [
  "connect-node",
  "grpc-js",
  "grpc-go",
  "c-core",
  "frames",
  "foreign",
  "silent",
  "nowhere",
] as const;
export type BackendKind = (typeof backendKinds)[number];

/** Kinds that will never answer a call. */
export const hopelessKinds: ReadonlySet<BackendKind> = new Set(["foreign", "silent", "nowhere"]);

export interface PlannedBackend {
  readonly kind: BackendKind;
  /** SETTINGS_MAX_CONCURRENT_STREAMS, of kinds that take it. */
  readonly maxStreams?: number;
  /** Of a frame peer: how many of a hundred answers are lies. */
  readonly lies?: number;
  /** Of a frame peer: chooses its lies. */
  readonly seed?: number;
  /** How many milliseconds a connection of grpc-go's lives. */
  readonly ageMs?: number;
}

/** Something that befalls the network, a server or DNS. */
export type PlannedAction = { readonly atMs: number } & (
  | {
      /** The gate before a backend. */
      readonly do: "refuse" | "freeze" | "stall";
      readonly backend: number;
      readonly forMs: number;
    }
  | { readonly do: "reset" | "end"; readonly backend: number }
  | { readonly do: "slow"; readonly backend: number; readonly delayMs: number; readonly forMs: number }
  /** Each connection ends after so many more bytes of the server's. */
  | { readonly do: "cut"; readonly backend: number; readonly afterBytes: number; readonly reset: boolean }
  /** The server goes: gracefully, at once with a successor, or by SIGKILL; or it is stopped for a while by SIGSTOP. */
  | { readonly do: "drain" | "kill"; readonly backend: number }
  | { readonly do: "stop"; readonly backend: number; readonly forMs: number }
  | { readonly do: "health"; readonly backend: number; readonly serving: boolean }
  /** A frame peer's SETTINGS, on every connection. */
  | { readonly do: "settings"; readonly backend: number; readonly maxStreams: number; readonly windowBytes: number }
  /** DNS names these backends. */
  | { readonly do: "list"; readonly backends: readonly number[] }
  | {
      readonly do: "dns";
      readonly fault: "SERVFAIL" | "NXDOMAIN" | "REFUSED" | "silent" | "empty" | "slow" | "none";
    }
);

export const callKinds = ["unary", "idempotent", "serverStream", "clientStream", "bidi"] as const;
export type CallKind = (typeof callKinds)[number];

export interface PlannedCall {
  readonly id: number;
  readonly atMs: number;
  readonly kind: CallKind;
  /** Undefined: it waits until it is aborted at the end of the round. */
  readonly timeoutMs?: number;
  /** The caller gives up, so long after it began. */
  readonly abortMs?: number;
  /** Of each request message, and of each response message. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Of a stream, either way. */
  readonly messages: number;
  /** What the handler takes, and each message of a server stream. */
  readonly delayMs: number;
  /** The caller's pause before each message that it reads, or writes. */
  readonly readPauseMs: number;
  readonly writePauseMs: number;
  /** The handler fails with this code, the first so many times; 0: each time. */
  readonly failCode?: number;
  readonly failAttempts?: number;
  /** The reader leaves after so many messages. */
  readonly leaveAfter?: number;
  /** The caller's request iterable throws after so many messages. */
  readonly throwAfter?: number;
  /** The call's own glinkCall options. */
  readonly own: JsonObject;
}

/** The text of a call's request messages: how it is known to servers that read no more of it. */
export function callText(call: Pick<PlannedCall, "id" | "kind">): string {
  return `${call.kind} ${call.id}`;
}

/** The call's id, by which servers count. */
export function requestIdOf(id: number): string {
  return `call ${id}`;
}
