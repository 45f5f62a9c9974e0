import type { ListRun, Resolution, RunEnd, Runtime, TimerHandle } from "../index.ts";
import {
  apiError,
  blamesVersion,
  isExpired,
  readStatus,
  retryAfterMs,
  type Status,
  statusOf,
  type Verb,
} from "./api-error.ts";
import type { ApiResponse, ApiServer } from "./api-server.ts";
import { jsonLines, textOf } from "./json-lines.ts";
import { RequestLimit } from "./request-limit.ts";
import type { Slice, SliceJson } from "./slice.ts";
import { SliceRequests, type WatchedService } from "./slice-requests.ts";
import { SliceStore } from "./slice-store.ts";

interface WatchEvent {
  readonly type?: string;
  readonly object?: SliceJson;
}

/** A list may be large, and its server busy. */
const listMs = 60_000;

/** A watch lasts between these, by chance: shorter than the server would let it, and than most middleboxes do. */
const shortestWatchSeconds = 300;
const longestWatchSeconds = 600;

/** A watch that has not ended so long after its time is dead: something between drops connections without a word. */
const slackMs = 30_000;

/** While calls fail, a watch that said nothing for this long is made anew. */
const suspectAfterMs = 30_000;

/** A watch that ends sooner and told nothing is a failure: who repeats it at once would do nothing else. */
const shortestSoundMs = 1_000;

/**
 * When the history was compacted, all clients hear of it together. Who has a list that works takes up to this long to ask
 * for a new one, by chance; who needs it asks at once.
 */
const relistSpreadMs = 30_000;

/** When an API server ends, all its watches do. They are made anew within this. */
const reconnectSpreadMs = 1_000;

/**
 * The EndpointSlices of one Service: listed once, then watched from the version of that list on, and from the newest version
 * that was seen when a watch has ended. A list is asked for again only where the server cannot go on from there.
 */
export class SliceWatch {
  readonly #url: string;
  readonly #namespace: string;
  readonly #requests: SliceRequests;
  readonly #runtime: Runtime;
  readonly #slices: SliceStore;
  readonly #resolution: () => Resolution;
  /** The newest version that was seen. "0" is any that the server has at hand, "" the newest there is. */
  #version = "0";
  #listed = false;
  /** How long the first list may wait yet. */
  #startSpreadMs: number;
  /** There was a list, and then the server had forgotten the version that we know. */
  #expired = false;

  /** `resolutionOf` reads the backends of all slices, when they are wanted. */
  constructor(
    api: ApiServer,
    service: WatchedService,
    runtime: Runtime,
    resolutionOf: (slices: readonly Slice[]) => Resolution,
  ) {
    this.#url = api.url;
    this.#namespace = service.namespace;
    this.#requests = new SliceRequests(api, service);
    this.#slices = new SliceStore(service.service);
    this.#startSpreadMs = service.startSpreadMs;
    this.#runtime = runtime;
    this.#resolution = () => resolutionOf(this.#slices.all);
  }

  /** For `watchList`. */
  async run(run: ListRun): Promise<RunEnd> {
    if (!this.#listed) {
      const { random } = this.#runtime;
      if (this.#expired) await this.#bridge(random.next() * relistSpreadMs, run);
      else if (this.#startSpreadMs > 0) await this.#untilUrgent(random.next() * this.#startSpreadMs, run);
      this.#startSpreadMs = 0;
      const refused = await this.#list(run);
      if (refused !== undefined) return refused;
    }
    return this.#watch(run);
  }

  async #list(run: ListRun): Promise<RunEnd | undefined> {
    const { clock } = this.#runtime;
    const limit = new RequestLimit(clock, run.signal, listMs, `${this.#url} gave no whole list within ${listMs} ms`);
    try {
      const response = await this.#requests.list(this.#version, listMs, limit.signal);
      if (response.status !== 200) {
        const status = await readStatus(response);
        if (this.#version === "" || !blamesVersion(status)) {
          return this.#refused(response, status, "list");
        }
        this.#version = "";
        return await this.#list(run);
      }
      this.#version = this.#slices.replace(await textOf(response.body));
    } finally {
      limit.clear();
    }
    this.#listed = true;
    this.#expired = false;
    run.report(this.#resolution);
    return undefined;
  }

  async #watch(run: ListRun): Promise<RunEnd> {
    const { clock, random } = this.#runtime;
    const range = longestWatchSeconds - shortestWatchSeconds;
    const seconds = Math.round(shortestWatchSeconds + random.next() * range);
    const tooLong = `${this.#url} did not end a watch in time: its connection is dead`;
    const limit = new RequestLimit(clock, run.signal, seconds * 1_000 + slackMs, tooLong);
    const startedMs = clock.now();
    const isShort = () => clock.now() - startedMs < shortestSoundMs;
    const knownVersion = this.#version;
    let heardMs: number | undefined;
    let sound: TimerHandle | undefined;
    try {
      const response = await this.#requests.watch(this.#version, seconds, limit.signal);
      if (response.status !== 200) {
        const status = await readStatus(response);
        if (isExpired(status)) return this.#relist();
        // The list finds out whether it is that.
        if (blamesVersion(status)) this.#listed = false;
        return this.#refused(response, status, "watch");
      }
      // A server that has forgotten the version says so at once, and as an event.
      sound = clock.setTimeout(() => run.confirm(), shortestSoundMs);
      run.onHint(() => {
        if (run.urgent && clock.now() - (heardMs ?? startedMs) > suspectAfterMs) limit.renew();
      });
      for await (const event of jsonLines(response.body)) {
        heardMs = clock.now();
        const failure = this.#hear(event, run);
        if (failure !== undefined) return failure;
      }
    } catch (error) {
      if (limit.renewed) return { againMs: 0 };
      if (isShort()) throw error;
      return { againMs: random.next() * reconnectSpreadMs, error };
    } finally {
      limit.clear();
      clock.clearTimeout(sound);
    }
    // One that says again what is known is as useless as one that says nothing.
    if (isShort() && this.#version === knownVersion) throw new Error(`${this.#url} ended a watch at once`);
    return { againMs: 0 };
  }

  /** Takes in an event; what it returns ends the watch. */
  #hear(event: WatchEvent, run: ListRun): RunEnd | undefined {
    const { type, object } = event;
    if (type === "ERROR") {
      const status = statusOf(object);
      if (isExpired(status)) return this.#relist();
      // The server may have gone on without us: the watch alone cannot tell what was missed.
      if (status.code !== 429) this.#listed = false;
      throw apiError(status, "watch", this.#namespace, this.#url);
    }
    const version = object?.metadata?.resourceVersion;
    if (object === undefined || version === undefined) return undefined;
    const changed = this.#take(event);
    // Not before: what could not be taken in is asked for again.
    this.#version = version;
    if (changed) run.report(this.#resolution);
    return undefined;
  }

  /** True: slices are not what they were. */
  #take({ type, object }: WatchEvent): boolean {
    if (object === undefined) return false;
    if (type === "ADDED" || type === "MODIFIED") return this.#slices.put(object);
    return type === "DELETED" && this.#slices.delete(object);
  }

  #relist(): RunEnd {
    this.#listed = false;
    this.#expired = true;
    this.#version = "";
    return { againMs: 0 };
  }

  /** The server refused, and may say for how long. */
  #refused(response: ApiResponse, status: Status, verb: Verb): RunEnd {
    const error = apiError(status, verb, this.#namespace, this.#url);
    const waitMs = retryAfterMs(response);
    if (waitMs === undefined) throw error;
    return { againMs: waitMs + this.#runtime.random.next() * reconnectSpreadMs, error };
  }

  /**
   * Waits until it is time for a list, or calls fail. What happens meanwhile is heard all the same, where the server knows how
   * to tell that alone: slices are whole, and the list will say what else there is.
   */
  async #bridge(ms: number, run: ListRun): Promise<void> {
    const following = new AbortController();
    // Whatever is wrong with the server, the list meets it too, and says so.
    const followed = this.#followFromNow(Math.ceil((ms + slackMs) / 1_000), run, following.signal).catch(
      () => undefined,
    );
    await this.#untilUrgent(ms, run);
    following.abort();
    await followed;
  }

  async #followFromNow(seconds: number, run: ListRun, signal: AbortSignal): Promise<void> {
    const response = await this.#requests.watchFromNow(seconds, signal);
    if (response.status !== 200) {
      await readStatus(response);
      return;
    }
    for await (const event of jsonLines(response.body)) {
      if (signal.aborted) return;
      if (this.#take(event)) run.report(this.#resolution);
    }
  }

  /** Waits, or until calls fail. */
  #untilUrgent(ms: number, run: ListRun): Promise<void> {
    if (run.urgent) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#runtime.clock.setTimeout(resolve, ms);
      const stop = () => {
        this.#runtime.clock.clearTimeout(timer);
        resolve();
      };
      run.signal.addEventListener("abort", stop, { once: true });
      run.onHint(() => {
        if (run.urgent) stop();
      });
    });
  }
}
