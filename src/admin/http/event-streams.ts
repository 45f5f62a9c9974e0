import type { Clock, TimerHandle } from "../../index.ts";
import { type AdminReply, type EventStream, eventReply, plainReply } from "./exchange.ts";

const maxStreams = 8;

/** A reader that leaves so much lying is gone, or will never keep up. */
const maxQueuedBytes = 1024 * 1024;

/** What streams tell, and how often. */
export interface StreamContents {
  readonly clock: Clock;
  readonly updateIntervalMs: number;
  /** By their ids. */
  readonly read: () => readonly (readonly [id: string, part: unknown])[];
}

/** The pages that are open. While there are any, a timer brings them up to date; without any, nothing is done. */
export class EventStreams {
  readonly #contents: StreamContents;
  /** And what each was sent last, by part. */
  readonly #open = new Map<EventStream, Map<string, string>>();
  #timer: TimerHandle | undefined;

  constructor(contents: StreamContents) {
    this.#contents = contents;
  }

  /** An answer that goes on, or a refusal. */
  answer(): AdminReply {
    if (this.#open.size >= maxStreams) {
      return plainReply(503, `${maxStreams} pages are open already.`, { "retry-after": "10" });
    }
    return eventReply({ start: (stream) => this.#start(stream) });
  }

  close(): void {
    for (const stream of [...this.#open.keys()]) this.#end(stream);
  }

  #start(stream: EventStream): () => void {
    // First what may throw: no stream is left behind then.
    const texts = this.#texts();
    this.#open.set(stream, new Map());
    stream.write("retry: 2000\n\n");
    this.#update(stream, texts);
    this.#timer ??= this.#nextUpdate();
    return () => this.#forget(stream);
  }

  #nextUpdate(): TimerHandle {
    const { clock, updateIntervalMs } = this.#contents;
    return clock.setTimeout(() => {
      this.#timer = this.#nextUpdate();
      this.#updateAll();
    }, updateIntervalMs);
  }

  #updateAll(): void {
    try {
      const texts = this.#texts();
      for (const stream of [...this.#open.keys()]) this.#update(stream, texts);
    } catch {
      // The process must not end by it. Who reads asks for the page again, whose answer has the reason.
      this.close();
    }
  }

  /** Parts by their ids, as they are sent: the same text for all who read. */
  #texts(): ReadonlyMap<string, string> {
    return new Map(this.#contents.read().map(([id, part]) => [id, JSON.stringify(part)]));
  }

  #update(stream: EventStream, texts: ReadonlyMap<string, string>): void {
    if (stream.queuedBytes > maxQueuedBytes) {
      this.#end(stream);
      return;
    }
    const sent = this.#open.get(stream);
    const changed = [...texts].filter(([id, text]) => sent?.get(id) !== text);
    if (changed.length === 0) return;
    for (const [id, text] of changed) sent?.set(id, text);
    const fields = changed.map(([id, text]) => `${JSON.stringify(id)}:${text}`);
    stream.write(`event: parts\ndata: {${fields.join(",")}}\n\n`);
  }

  #end(stream: EventStream): void {
    this.#forget(stream);
    stream.end();
  }

  #forget(stream: EventStream): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    this.#contents.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
