import { plain } from "../output.ts";

/** One pool at one moment, as far as the table shows it. */
export interface PoolView {
  readonly target: string;
  readonly state: string;
  readonly protocol: string;
  readonly loadBalancing: string;
  readonly takenAtMs: number;
  readonly openCalls: number;
  readonly queuedCalls: number;
  readonly callsStarted: number;
  readonly draining: number;
  /** Why the last lookup failed, or why no backend is ready. */
  readonly error: string | undefined;
  readonly backends: readonly BackendView[];
}

export interface BackendView {
  readonly address: string;
  readonly state: string;
  readonly availability: string;
  readonly stateSinceMs: number;
  readonly openCalls: number;
  readonly callsStarted: number;
  readonly callsFailed: number;
  /** Why the last dial failed. */
  readonly error: string | undefined;
}

/** Every name that follows is one that a snapshot has. */
type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads what `transport.snapshot()` says. It may come from another process, of another version: what is missing is 0 or
 * empty, texts are made harmless, and what is no snapshot is undefined.
 */
export function poolViewOf(value: unknown): PoolView | undefined {
  const fields = fieldsOf(value);
  if (typeof fields.target !== "string" || !Array.isArray(fields.subchannels)) return undefined;
  return {
    target: text(fields.target),
    state: text(fields.state),
    protocol: text(fields.protocol),
    loadBalancing: text(fields.loadBalancing),
    takenAtMs: count(fields.takenAtMs),
    openCalls: count(fields.openCalls),
    queuedCalls: count(fields.queuedCalls),
    callsStarted: count(fields.callsStarted),
    draining: Array.isArray(fields.draining) ? fields.draining.length : 0,
    error: message(fieldsOf(fields.resolution).lastError) ?? message(fields.lastError),
    backends: fields.subchannels.map(backendViewOf),
  };
}

function backendViewOf(value: unknown): BackendView {
  const fields = fieldsOf(value);
  return {
    address: text(fields.address),
    state: text(fields.state),
    availability: text(fields.availability),
    stateSinceMs: count(fields.stateSinceMs),
    openCalls: count(fields.openCalls),
    callsStarted: count(fields.callsStarted),
    callsFailed: count(fields.callsFailed),
    error: message(fields.lastError),
  };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? plain(value) : "";
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function message(value: unknown): string | undefined {
  const { message: said } = fieldsOf(value);
  return typeof said === "string" ? plain(said) : undefined;
}
