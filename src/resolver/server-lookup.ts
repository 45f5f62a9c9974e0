import { describeCause } from "../base/thrown.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type FamilyChoice, type HostsByFamily, noHosts, type OrderedHosts, orderFamilies } from "./families.ts";
import { type FamilyAnswer, FamilyQuery, isAbsence } from "./family-query.ts";
import type { Lookup, LookupAnswer } from "./lookup.ts";
import { Patience } from "./patience.ts";

/** Whom to ask, and for what. */
export interface ServerLookupOptions extends Pick<Lookup, "host" | "source"> {
  /** `ip`, `ip:port` or `[v6]:port`, checked: Node aborts the process on a port that is none. */
  readonly servers: readonly string[];
  readonly family: FamilyChoice;
  /** The time of a whole lookup: lost packets are sent again, and further servers asked, within it. */
  readonly timeoutMs: number;
}

/**
 * With addresses of one family there, the other one is waited for so long before they are used. Five times the
 * Resolution Delay of RFC 8305 §3: what is chosen here is a pool of connections, and wrong if the late ones come first.
 */
const resolutionDelayMs = 250;

/** And so long, as a share of the lookup's time, before it is given up: a packet of it may be lost, and is sent again. */
const stragglerShare = 1 / 2;

/**
 * Asks DNS servers for A and AAAA records, both at once: servers and firewalls exist that never answer one of the two
 * (RFC 4074). The name is asked for as it is written.
 */
export class ServerLookup {
  readonly #host: string;
  readonly #source: string;
  readonly #queries: readonly FamilyQuery[];
  readonly #timeoutMs: number;
  readonly #runtime: Runtime;
  /** The last good answer for each family: a passing failure takes nothing away. */
  #known: HostsByFamily = noHosts;
  readonly #patience: Patience;

  constructor({ host, source, servers, family, timeoutMs }: ServerLookupOptions, runtime: Runtime) {
    this.#host = host;
    this.#source = source;
    const families = family === 0 ? ([4, 6] as const) : [family];
    this.#queries = families.map((one) => new FamilyQuery(one, host, servers, timeoutMs));
    this.#timeoutMs = timeoutMs;
    this.#runtime = runtime;
    this.#patience = new Patience(runtime, timeoutMs);
  }

  /** As {@link Lookup.ask}. */
  async ask(signal: AbortSignal, found: (answer: LookupAnswer) => void): Promise<LookupAnswer> {
    signal.throwIfAborted();
    const cancel = () => {
      for (const query of this.#queries) query.cancel();
    };
    signal.addEventListener("abort", cancel, { once: true });
    const patience = this.#patience.begin(cancel);
    const answers = await this.#askAll(cancel, found);
    patience.stop();
    signal.removeEventListener("abort", cancel);
    if (answers.every(({ hosts }) => hosts.length === 0)) {
      throw patience.endedAfterMs === undefined ? this.#failure(answers) : this.#abandoned(patience.endedAfterMs);
    }
    const answer = this.#merge(answers);
    const stale = answers.filter(({ family, error }) => family === answer.family && error !== undefined);
    if (stale.length === 0) return answer;
    // The family in use has its last good list still, and the other one may have news.
    found(answer);
    throw this.#failure(stale);
  }

  /** Both at once. When one has addresses and the other takes long, `found` hears of them, and the other is given up. */
  async #askAll(cancel: () => void, found: (answer: LookupAnswer) => void): Promise<readonly FamilyAnswer[]> {
    const { clock } = this.#runtime;
    const answers: FamilyAnswer[] = [];
    const waits: TimerHandle[] = [];
    const asked = this.#queries.map(async (query) => {
      const answer = await query.ask();
      answers.push(answer);
      if (answer.hosts.length === 0 || answers.length === this.#queries.length) return;
      waits.push(clock.setTimeout(() => found(this.#merge(answers)), resolutionDelayMs));
      waits.push(clock.setTimeout(cancel, this.#timeoutMs * stragglerShare));
    });
    await Promise.all(asked);
    for (const wait of waits) clock.clearTimeout(wait);
    return answers.sort((a, b) => a.family - b.family);
  }

  /** What is known now. "No such record" takes addresses away, a failure does not. */
  #merge(answers: readonly FamilyAnswer[]): LookupAnswer & OrderedHosts {
    const known = { ...this.#known };
    for (const { family, hosts, error } of answers) {
      if (error === undefined || isAbsence(error)) known[family] = hosts;
    }
    this.#known = known;
    return { ...orderFamilies(known), ttlMs: Math.min(...answers.map(({ ttlMs }) => ttlMs)) };
  }

  #failure(answers: readonly FamilyAnswer[]): Error {
    const errors = answers.map(({ error }) => error);
    const hint = errors.every(isAbsence) ? " (asked for as it is written, without search domains)" : "";
    return new Error(`${this.#source}: ${errors.map(describeCause).join("; ")}${hint}`, { cause: errors[0] });
  }

  #abandoned(afterMs: number): Error {
    return new Error(`${this.#source} gave no answer for ${this.#host} within ${afterMs} ms, and no call waits for it`);
  }
}
