import type { Runtime } from "../runtime/runtime.ts";
import type { Lookup, LookupAnswer } from "./lookup.ts";
import type { ResolverListener, ResolverWatch } from "./resolver.ts";
import { type RunEnd, RunLoop, windowShare } from "./run-loop.ts";

/** What a polling watch asks, and for how long. */
export interface PollingOptions {
  readonly lookup: Lookup;
  /** The port of every address found. */
  readonly port: number;
  /** A lookup that takes longer has failed. */
  readonly timeoutMs: number;
}

/** Watches a name by asking again and again: at once, then at each hint, when the shortest TTL ends, and after a failure. */
export class PollingWatch implements ResolverWatch {
  readonly #options: PollingOptions;
  readonly #listener: ResolverListener;
  readonly #loop: RunLoop;
  /** The lookup that runs has brought something of use already. */
  #foundSome = false;
  /** It has reported: its end says the same only where it differs, or one answer would count as two. */
  #reported = false;
  #knownHosts = "";

  constructor(options: PollingOptions, listener: ResolverListener, runtime: Runtime) {
    this.#options = options;
    this.#listener = listener;
    const loopOptions = {
      run: (signal: AbortSignal) => this.#ask(signal),
      timeoutMs: options.timeoutMs,
      timedOut: () => this.#timedOut(),
      urgentShare: windowShare,
      jitter: 0,
    };
    this.#loop = new RunLoop(loopOptions, runtime, {
      onRunStarted: () => listener.onLookupStarted?.(),
      onRunFailed: (error) => listener.onError(error),
    });
    this.#loop.start();
  }

  refresh(): void {
    this.#loop.hint();
  }

  get nextLookupMs(): number | undefined {
    return this.#loop.nextMs;
  }

  close(): void {
    this.#loop.close();
  }

  async #ask(signal: AbortSignal): Promise<RunEnd> {
    this.#foundSome = false;
    this.#reported = false;
    const { lookup } = this.#options;
    const answer = await lookup.ask(signal, (found) => this.#found(found));
    if (answer.hosts.length === 0) throw new Error(`${lookup.source} has no address for ${lookup.host}`);
    if (!this.#loop.closed && (this.#notesChange(answer) || !this.#reported)) this.#report(answer);
    return { againMs: answer.ttlMs };
  }

  /** Not the last word of the lookup that runs: what is known is reported where it differs. */
  #found(answer: LookupAnswer): void {
    if (this.#loop.closed) return;
    this.#foundSome = true;
    if (this.#notesChange(answer)) this.#report(answer);
  }

  /** True when the list is not the last one any more. */
  #notesChange(answer: LookupAnswer): boolean {
    const text = textOf(answer);
    const changed = text !== this.#knownHosts;
    this.#knownHosts = text;
    this.#loop.learned(changed);
    return changed;
  }

  #report({ hosts, fallbackHosts }: LookupAnswer): void {
    this.#reported = true;
    const { port } = this.#options;
    const toAddress = (host: string) => ({ host, port });
    this.#listener.onAddresses(hosts.map(toAddress), fallbackHosts.map(toAddress));
  }

  /** What a lookup has found is an answer, and how good a one the lookup says itself when it ends. */
  #timedOut(): Error | undefined {
    if (this.#foundSome) return;
    const { lookup, timeoutMs } = this.#options;
    return new Error(`${lookup.source} gave no answer for ${lookup.host} within ${timeoutMs} ms`);
  }
}

/** The same for the same addresses in any order. */
function textOf({ hosts, fallbackHosts }: LookupAnswer): string {
  return [hosts, fallbackHosts].map((list) => [...new Set(list)].sort().join()).join(" ");
}
