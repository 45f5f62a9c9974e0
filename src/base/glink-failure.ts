import type { FailureKind, Progress } from "./errors.ts";

/** How a call failed, beside what its error says: for programs, and for the server's own status, whose text is not touched. */
export interface GlinkFailure {
  /** Which way of failing it was: docs/errors.md explains each. */
  readonly kind: FailureKind;
  /** How far the last attempt got. */
  readonly progress: Progress;
  /** Attempts made, the first included; 0 when none was. */
  readonly attempts: number;
  /** The backend of the last attempt, if there was one. */
  readonly address: string | undefined;
  /** Why there was no further attempt, where that needs saying: "the retry budget is used up", say. */
  readonly note: string | undefined;
  /** Where this kind is explained, in the files of this package: "docs/errors.md#goaway", say. */
  readonly docs: string;
}

/** What an error carries of it. */
export interface NotedFailure extends Omit<GlinkFailure, "docs"> {
  /** It was thrown before the call that it ends had ended: how far that got will be noted in place of this. */
  readonly isEarly?: boolean;
}

/** From the global registry, so that two copies of this package in one process agree. */
const noted = Symbol.for("glink.failure");

interface MayHaveFailed {
  readonly [noted]?: NotedFailure;
  readonly cause?: unknown;
}

/** Not enumerable: loggers and assertions see the error as Connect makes it. */
export function noteFailure(error: Error, failure: NotedFailure): void {
  Object.defineProperty(error, noted, { value: failure, configurable: true });
}

/**
 * The kind of an error of glink's own that code within a call threw, until it is noted how far that call got. Undefined for
 * any other error, that of another call among them.
 */
export function earlyKindOf(error: Error): FailureKind | undefined {
  const failure = (error as MayHaveFailed)[noted];
  return failure?.isEarly ? failure.kind : undefined;
}

/**
 * What is known of the call that failed with `error`: kind, backend, attempts, and why there was no other. An error of
 * somebody else's that has glink's as its `cause`, however far down, is answered for by that one. Undefined for errors that are not
 * glink's: the reason of a signal, or what an interceptor or a request iterable threw. Never throws.
 */
export function glinkFailureOf(error: unknown): GlinkFailure | undefined {
  // An error may be its own cause.
  const seen = new Set<unknown>();
  try {
    for (let one = error; isObject(one) && !seen.has(one); one = one.cause) {
      const failure = one[noted];
      if (failure !== undefined) return asTold(failure);
      seen.add(one);
    }
  } catch {
    // Who is asked about an error is not the place to learn that it throws when it is looked at.
  }
  return undefined;
}

function asTold({ kind, progress, attempts, address, note }: NotedFailure): GlinkFailure {
  return { kind, progress, attempts, address, note, docs: `docs/errors.md#${kind}` };
}

/** Errors of other contexts, as Jest has them, are no instances of this one's Error. */
function isObject(value: unknown): value is MayHaveFailed {
  return typeof value === "object" && value !== null;
}
