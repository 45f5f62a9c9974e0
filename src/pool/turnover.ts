import type { ResolverCounters } from "../observe/resolver-counters.ts";
import type { Clock } from "../runtime/clock.ts";
import { NewestWork } from "../runtime/newest-work.ts";
import { endOfTurn, Portions, type Steps } from "../runtime/portions.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { EndpointList } from "./endpoint-list.ts";
import type { Members, MembersChange } from "./members.ts";

/** Backends that came, that leave now, and that serve until one that is named does. */
export type Moves = Pick<MembersChange, "added" | "removed" | "leaving">;

/** Told of backends that come and leave: the backends of a pool. */
export interface TurnoverListener {
  /** Who comes and who leaves was decided: at once or one after the other they do. */
  onMoves(moves: Moves): void;
  /** The list has another order, or other members. */
  onListChanged(): void;
  /** Named for the first time, or with another endpoint: policies are to hear of it. */
  onNamed(subchannel: Subchannel): void;
  /** Its turn has come to leave: it is no member any more. */
  onDeparts(subchannel: Subchannel): void;
  /** The last one has left. */
  onEmptied(): void;
}

/** Of one backend, see {@link Steps}: policies dial those that come, and those that leave close their connections. */
const namedCost = 40;
const departsCost = 300;

/**
 * How the backends of a pool change with the resolver's lists: few at once, and of thousands some in each turn of the event
 * loop. Those that wait to leave serve until it is their turn.
 */
export class Turnover {
  readonly #members: Members;
  readonly #counters: ResolverCounters;
  readonly #listener: TurnoverListener;
  readonly #arrivals: NewestWork;
  readonly #departures: Portions;
  /** Of these is to be told that they are named: another list may come before it is their turn. */
  readonly #news = new Set<Subchannel>();

  constructor(members: Members, counters: ResolverCounters, clock: Clock, listener: TurnoverListener) {
    this.#members = members;
    this.#counters = counters;
    this.#listener = listener;
    this.#arrivals = new NewestWork(clock);
    this.#departures = new Portions(clock);
  }

  /** Takes in a list, see {@link Members.reconcile}. `inUse` is called once all was said, unless another list comes first. */
  take(list: EndpointList, held: ReadonlySet<string>, inUse: () => void): void {
    this.#arrivals.begin(() => this.#take(list, held, inUse));
  }

  /** One that is named serves: those that were in service in place of it leave. */
  releaseLeaving(): void {
    const removed = this.#members.releaseLeaving();
    if (removed.length > 0) this.#listener.onMoves({ added: [], removed, leaving: [] });
    this.#letGo();
  }

  /** Is not connected any more: if it is not named either, it leaves. */
  lost(subchannel: Subchannel): void {
    if (!this.#members.isUnnamed(subchannel)) return;
    const wasTold = this.#members.isDeparting(subchannel);
    this.#members.remove(subchannel);
    if (!wasTold) this.#listener.onMoves({ added: [], removed: [subchannel], leaving: [] });
    this.#departs(subchannel);
  }

  /** Ends it: all leave, one after the other. `left` is told of each, and `closed` of the end. */
  close(left: (subchannel: Subchannel) => void, closed: () => void): void {
    this.#arrivals.stop();
    this.#news.clear();
    this.#departures.begin(leaveAll(this.#members.clear(), left, closed));
  }

  #departs(subchannel: Subchannel): void {
    this.#news.delete(subchannel);
    this.#listener.onDeparts(subchannel);
  }

  #letGo(): void {
    if (!this.#departures.isBusy) this.#departures.begin(this.#depart());
  }

  *#take(list: EndpointList, held: ReadonlySet<string>, inUse: () => void): Steps<void> {
    const change = yield* this.#members.reconcile(list, held);
    const { added, removed, leaving } = change;
    this.#counters.addressesAdded += added.length;
    this.#counters.addressesRemoved += removed.length + leaving.length;
    for (const subchannel of [...added, ...change.updated]) this.#news.add(subchannel);
    for (const subchannel of removed) this.#news.delete(subchannel);
    if (added.length + removed.length + leaving.length > 0) this.#listener.onMoves(change);
    if (change.listChanged) this.#listener.onListChanged();
    this.#letGo();
    if (this.#arrivals.yieldRest()) return;
    if (this.#departures.isBusy) yield endOfTurn;
    for (const subchannel of this.#news) {
      this.#news.delete(subchannel);
      this.#listener.onNamed(subchannel);
      yield namedCost;
    }
    inUse();
  }

  *#depart(): Steps<void> {
    for (let next = this.#members.nextDeparting(); next !== undefined; next = this.#members.nextDeparting()) {
      this.#departs(next);
      yield departsCost;
    }
    if (this.#members.size === 0) this.#listener.onEmptied();
  }
}

function* leaveAll(
  all: readonly Subchannel[],
  left: (subchannel: Subchannel) => void,
  closed: () => void,
): Steps<void> {
  for (const subchannel of all) {
    left(subchannel);
    yield departsCost;
  }
  closed();
}
