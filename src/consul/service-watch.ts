import type { Clock, Endpoint, ListRun, RunEnd } from "../index.ts";
import type { ConsulAnswer, ConsulClient } from "./client.ts";
import { readInstances } from "./instances.ts";
import type { ConsulSettings } from "./options.ts";
import { QueryBudget } from "./query-budget.ts";

/** A server that has not heard of its leader for longer does not know what there is. */
const staleAfterMs = 10_000;

/** A server adds up to a sixteenth to a wait, so that not all clients come back at once. */
const waitSlack = 1 + 1 / 16;

/** How long an answer may take for which nothing has to happen. */
const answerMs = 10_000;

/** Follows one service by blocking queries: one at a time, each of which waits for what the last one did not know. */
export class ServiceWatch {
  readonly #service: string;
  readonly #settings: ConsulSettings;
  readonly #client: ConsulClient;
  readonly #budget: QueryBudget;
  readonly #onAsked: () => void;
  /** Of the last answer. 0: ask what there is, without waiting. */
  #index = 0;
  /** The last server that answered was behind: the leader is asked. */
  #wasBehind = false;

  /** `onAsked`: a query begins that is answered at once. How long others take says only how long nothing changed. */
  constructor(
    service: string,
    settings: ConsulSettings,
    client: ConsulClient,
    { clock, onAsked }: { readonly clock: Clock; readonly onAsked: () => void },
  ) {
    this.#service = service;
    this.#settings = settings;
    this.#client = client;
    this.#budget = new QueryBudget(clock);
    this.#onAsked = onAsked;
  }

  async query(run: ListRun): Promise<RunEnd> {
    this.#budget.take();
    if (this.#index === 0) this.#onAsked();
    const asked = `${this.#client.origin}, service ${JSON.stringify(this.#service)}`;
    let answer: ConsulAnswer;
    try {
      answer = await this.#client.get(this.#path(), this.#limitMs, run.signal);
    } catch (cause) {
      this.#index = 0;
      throw new Error(`Consul at ${asked}: ${(cause as Error).message}`, { cause });
    }
    if (answer.status !== 200) return this.#refused(answer, asked);
    const contactMs = Number(answer.headers["x-consul-lastcontact"] ?? 0);
    this.#wasBehind = this.#settings.stale && !this.#wasBehind && contactMs > staleAfterMs;
    if (this.#wasBehind) return { againMs: 0 };
    const endpoints = this.#instancesOf(answer, asked);
    // Not before: an answer that could not be read is asked for again, without waiting for a change.
    this.#index = nextIndex(this.#index, answer.headers["x-consul-index"]);
    const againMs = this.#budget.waitMs(run.urgent);
    if (endpoints.length > 0) {
      run.report({ endpoints });
      return { againMs };
    }
    return { againMs, error: new Error(`Consul at ${asked}: there is no instance whose checks pass`) };
  }

  get #limitMs(): number {
    return this.#index === 0 ? answerMs : this.#settings.waitMs * waitSlack + answerMs;
  }

  #instancesOf({ text }: ConsulAnswer, asked: string): readonly Endpoint[] {
    try {
      return readInstances(text);
    } catch (cause) {
      this.#index = 0;
      throw new Error(`Consul at ${asked}: its answer is no list of instances`, { cause });
    }
  }

  #path(): string {
    const { tags, health, near, datacenter, namespace, filter, stale, waitMs } = this.#settings;
    const query = new URLSearchParams();
    if (health === "passing") query.set("passing", "1");
    if (this.#index > 0) {
      query.set("index", String(this.#index));
      query.set("wait", `${waitMs}ms`);
    }
    for (const tag of tags) query.append("tag", tag);
    if (near !== undefined) query.set("near", near);
    if (datacenter !== undefined) query.set("dc", datacenter);
    if (namespace !== undefined) query.set("ns", namespace);
    if (filter !== undefined) query.set("filter", filter);
    if (stale && !this.#wasBehind) query.set("stale", "");
    return `/v1/health/service/${encodeURIComponent(this.#service)}?${query}`;
  }

  #refused({ status, headers, text }: ConsulAnswer, asked: string): RunEnd {
    this.#index = 0;
    const said = text.trim() === "" ? "" : ` (${text.trim().slice(0, 200)})`;
    const error = new Error(`Consul at ${asked}: HTTP ${status}${said}${adviceFor(status)}`);
    const retryAfterMs = Number(headers["retry-after"] ?? Number.NaN) * 1_000;
    // What Consul asks for is a wait of its own; else the kit's, which grows.
    if (retryAfterMs >= 0 && retryAfterMs < 3_600_000) return { againMs: retryAfterMs, error };
    throw error;
  }
}

/** An index that goes back is a server that was restored: ask anew. One below 1 would make queries not wait. */
function nextIndex(index: number, header: string | string[] | undefined): number {
  const next = Number(header);
  if (!Number.isSafeInteger(next) || next < 1) return 1;
  return next < index ? 0 : next;
}

function adviceFor(status: number): string {
  if (status === 401 || status === 403) return ": the token needs service:read for it, and node:read";
  if (status === 429) return ": it limits how often it may be asked";
  return "";
}
