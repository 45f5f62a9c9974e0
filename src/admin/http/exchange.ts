/** A request, as far as the page looks at it. */
export interface AdminRequest {
  readonly method: string;
  /** As the browser asked for it, without the query: frameworks cut the place where the page is mounted. */
  readonly path: string;
  /** A header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
}

/** An answer. */
export interface AdminReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or a stream of events. */
  readonly body: string | EventBody;
}

/** A body that is written as things happen. */
export interface EventBody {
  /** Begins to write. The function that it returns is called when nobody reads any more. */
  start(stream: EventStream): () => void;
}

/** Where events are written. */
export interface EventStream {
  /** What was written and not taken yet. */
  readonly queuedBytes: number;
  write(text: string): void;
  end(): void;
}

/** A text as an answer. */
export function reply(
  status: number,
  type: string,
  body: string,
  more: Readonly<Record<string, string>> = {},
): AdminReply {
  return { status, headers: { ...headers, "content-type": type, ...more }, body };
}

export function plainReply(status: number, text: string, more: Readonly<Record<string, string>> = {}): AdminReply {
  return reply(status, "text/plain; charset=utf-8", `${text}\n`, more);
}

export function eventReply(body: EventBody): AdminReply {
  return { status: 200, headers: { ...headers, "content-type": "text/event-stream", "x-accel-buffering": "no" }, body };
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

/** Of every answer: nothing is stored, guessed, framed, or loaded from elsewhere. */
const headers = {
  "cache-control": "no-store",
  "content-security-policy": policy.join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;
