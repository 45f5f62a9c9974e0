import { type Clock, systemClock } from "../index.ts";
import { type AdminPageOptions, type AdminPageSettings, checkAdminOptions } from "./admin-options.ts";
import { CallDurations } from "./history/call-durations.ts";
import { Slots } from "./history/slots.ts";
import { TargetHistory } from "./history/target-history.ts";
import { EventStreams } from "./http/event-streams.ts";
import { type AdminReply, type AdminRequest, plainReply } from "./http/exchange.ts";
import { answerFetch, requestOfFetch } from "./http/fetch-form.ts";
import { refusal } from "./http/guard.ts";
import { answerNode, type NodeRequest, type NodeResponse, requestOfNode } from "./http/node-form.ts";
import { type PageContents, resource } from "./http/resources.ts";
import { checkTransports, type WatchedTransport } from "./transports.ts";
import { pageHtml, partsOf } from "./view/page.ts";
import { readTarget, type TargetReading } from "./view/target-reading.ts";

/** A page that shows transports, as one handler in two forms. It answers GET and HEAD, and changes nothing. */
export interface AdminPage {
  /** For node:http, node:http2, Express and Fastify. */
  readonly node: (request: NodeRequest, response: NodeResponse) => void;
  /** For Hono and whatever else has the Request and Response of fetch. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Ends the pages that are open, and forgets what was remembered. Requests are answered with 503 from now on. */
  close(): void;
}

/**
 * Makes a page for people who want to know how transports are: their backends and how calls spread over them, failures, DNS.
 *
 * It listens nowhere: mount it where only operators come, on 127.0.0.1 say. It remembers failures, lookups and shares from
 * the moment in which it is made. Throws a TypeError or RangeError for a bad argument.
 */
export function adminPage(transports: readonly WatchedTransport[], options: AdminPageOptions = {}): AdminPage {
  const page = new Page(checkTransports("adminPage", transports), checkAdminOptions(options), systemClock());
  return {
    node: (request, response) => {
      const asked = requestOfNode(request);
      page
        .answer(asked)
        .then((reply) => answerNode(response, reply, asked.method === "HEAD"))
        // It was answered by somebody else already, or cannot be: nobody waits for us.
        .catch(() => response.destroy());
    },
    fetch: async (request) => answerFetch(await page.answer(requestOfFetch(request)), request.method === "HEAD"),
    close: () => page.close(),
  };
}

class Page {
  readonly #settings: AdminPageSettings;
  readonly #targets: readonly { readonly history: TargetHistory; readonly slots: Slots }[];
  readonly #durations: CallDurations;
  readonly #streams: EventStreams;
  readonly #snapshotStreams: EventStreams;
  readonly #contents: PageContents;
  #isClosed = false;

  constructor(transports: readonly WatchedTransport[], settings: AdminPageSettings, clock: Clock) {
    this.#settings = settings;
    this.#targets = transports.map((one) => ({ history: new TargetHistory(one), slots: new Slots() }));
    this.#durations = new CallDurations(clock);
    const { updateIntervalMs, metrics } = settings;
    this.#streams = new EventStreams({ clock, updateIntervalMs, read: () => partsOf(this.#read()) });
    const snapshots = () => this.#targets.map(({ history }) => history.snapshot());
    this.#snapshotStreams = new EventStreams({ clock, updateIntervalMs, read: () => [["snapshots", snapshots()]] });
    this.#contents = {
      html: () => pageHtml(this.#read()),
      snapshots,
      isReady: () => snapshots().every(({ state }) => state === "ready" || state === "idle"),
      metrics,
      events: () => this.#streams.answer(),
      snapshotEvents: () => this.#snapshotStreams.answer(),
    };
  }

  async answer(request: AdminRequest): Promise<AdminReply> {
    if (this.#isClosed) return plainReply(503, "The page was closed.");
    try {
      return refusal(request, this.#settings.hosts) ?? (await resource(request.path, this.#contents));
    } catch (error) {
      // A page that cannot be made must not end the process that it is about.
      return plainReply(500, `The page could not be made: ${error instanceof Error ? error.message : typeof error}`);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#streams.close();
    this.#snapshotStreams.close();
    this.#durations.close();
    for (const { history } of this.#targets) history.close();
  }

  #read(): readonly TargetReading[] {
    return this.#targets.map(({ history, slots }) => readTarget(history, slots, this.#durations));
  }
}
