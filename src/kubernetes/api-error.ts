import type { ApiResponse } from "./api-server.ts";
import { textOf } from "./json-lines.ts";

/** What the API server says instead of an answer (`meta/v1.Status`). */
export interface Status {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

/** The verbs of a Role, as a 403 names the missing one. */
export type Verb = "list" | "watch";

/** Of an error's text no more is shown. */
const maxMessageChars = 300;

/** Reads a Status, of which a server or a proxy may leave out anything, or send something else. */
export function statusOf(value: unknown, httpStatus = 0): Status {
  const { code, reason, message } = (typeof value === "object" && value !== null ? value : {}) as Partial<Status>;
  return {
    code: typeof code === "number" ? code : httpStatus,
    reason: typeof reason === "string" ? reason : "",
    message: typeof message === "string" ? shown(message) : "",
  };
}

/** Reads the Status of an answer that is none. It may be a page that says again what was asked. */
export async function readStatus({ status, token, body }: ApiResponse): Promise<Status> {
  const read = await textOf(body, 64 * 1024);
  const text = token === undefined ? read : read.replaceAll(token, "***");
  try {
    return statusOf(JSON.parse(text), status);
  } catch {
    return { code: status, reason: "", message: shown(text) };
  }
}

/** The history that a resourceVersion is part of was compacted. */
export function isExpired({ code, reason }: Status): boolean {
  return code === 410 || reason === "Expired" || reason === "Gone";
}

/**
 * The server may be one that does not know the resourceVersion: it is compacted, or another server's, that this one has not seen
 * yet or that is no version to it.
 */
export function blamesVersion(status: Status): boolean {
  const { code, reason, message } = status;
  return (
    isExpired(status) ||
    [400, 422, 504].includes(code) ||
    reason === "ResourceVersionTooLarge" ||
    /too large resource version/i.test(message)
  );
}

/** How long the server asks to wait, in milliseconds. Undefined: it does not say. */
export function retryAfterMs({ retryAfter }: ApiResponse): number | undefined {
  const seconds = Number(retryAfter ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 300) * 1_000 : undefined;
}

/** What to tell whoever has to mend it. */
export function apiError(status: Status, verb: Verb, namespace: string, url: string): Error {
  const said = status.message === "" ? "" : `: ${status.message}`;
  if (status.code === 403) {
    return new Error(
      `this client may not ${verb} endpointslices in namespace ${namespace}: give its ServiceAccount there a ` +
        `Role with apiGroups [discovery.k8s.io], resources [endpointslices], verbs [list, watch]. It lacks ${verb}${said}`,
    );
  }
  if (status.code === 401) return new Error(`the API server at ${url} does not accept the token${said}`);
  return new Error(`the API server at ${url} answered ${status.code} to a ${verb} of endpointslices${said}`);
}

function shown(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, " ").slice(0, maxMessageChars);
}
