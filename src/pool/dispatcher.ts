import { Code } from "@connectrpc/connect";
import type { Drop, Pick, Picker } from "../balancing/picker.ts";
import { failAll, queueAll } from "../balancing/unreachable.ts";
import { describeValue } from "../base/check.ts";
import type { Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import { describeCause } from "../base/thrown.ts";
import type { Events } from "../observe/events.ts";
import { reportUserCode } from "../observe/user-code.ts";
import { queueMicrotask } from "../runtime/microtask.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";
import { CallQueue, type Served } from "./call-queue.ts";
import type { PendingCall } from "./call-source.ts";
import { checkPickMetadata } from "./pick-metadata.ts";

/** The backends of the pool. */
export interface DispatchBackends {
  /** Those that the picker may choose from. */
  readonly ready: {
    readonly list: readonly Backend[];
    readonly anyRoom: boolean;
    roomChanged(backend: Backend): boolean;
  };
  /** As pickers name them. Undefined: it has left. */
  get(id: string): { readonly connectionWithRoom: CallConnection | undefined } | undefined;
}

/** How many calls may wait, and what their requests may come to: more fail with ResourceExhausted. */
export interface QueueLimits {
  readonly maxQueuedCalls: number;
  readonly maxQueuedBytes: number;
}

/** Told when calls begin to wait, and when none does any more. */
export interface DispatcherListener {
  /** A call waits, and none did before. */
  onQueueing(method: MethodSpec): void;
  /** No call waits any more. `calls`: how many did, since the first. */
  onQueueEmptied(calls: number): void;
}

/** Finds a backend for each attempt through the present picker, and keeps the calls that have to wait for one. */
export class Dispatcher {
  readonly #limits: QueueLimits;
  readonly #backends: DispatchBackends;
  readonly #events: Events;
  readonly #listener: DispatcherListener;
  readonly #queue = new CallQueue();
  /** Calls that have waited since one began to. */
  #waited = 0;
  #picker: Picker = queueAll;
  #serving = false;
  #serveDue = false;

  constructor(limits: QueueLimits, backends: DispatchBackends, events: Events, listener: DispatcherListener) {
    this.#limits = limits;
    this.#backends = backends;
    this.#events = events;
    this.#listener = listener;
  }

  get queuedCalls(): number {
    return this.#queue.size;
  }

  /** Replaces the picker. {@link serve} picks again for the calls that wait. */
  use(picker: Picker): void {
    if (typeof picker?.pick !== "function") throw new TypeError("a picker is an object with a method pick(info)");
    this.#picker = picker;
  }

  /** Finds a connection now, or puts the call in the queue: then it is told later. */
  dispatch(call: PendingCall): void {
    if (this.#serveDue) this.serve();
    // Whoever waits already comes first, also when one of them made this call as it was served.
    const waits = this.#serving && this.#queue.size > 0;
    if (!waits && this.#serve(call) !== "waits") return;
    const full = this.#fullFor(call);
    if (full !== undefined) {
      call.onPickFailed({ kind: "queue-full", code: Code.ResourceExhausted, progress: "unsent", message: full });
      return;
    }
    this.#queue.add(call);
    if (this.#waited++ === 0) this.#listener.onQueueing(call.pickInfo.method);
    if (this.#serving) this.serveSoon();
  }

  /** The call no longer waits. */
  withdraw(call: PendingCall): void {
    this.#leaveQueue(call);
  }

  /** The picker is new, or what it may choose from is: picks again for the calls that wait. */
  serve(): void {
    if (this.#serving) return;
    this.#serveDue = false;
    if (this.#queue.size === 0) return;
    this.#serving = true;
    try {
      this.#queue.serve(
        (call) => this.#serve(call),
        // Without a ready backend some calls fail and others wait. With one, no more are served than there is room for.
        () => this.#backends.ready.list.length === 0 || this.#backends.ready.anyRoom,
      );
    } finally {
      this.#serving = false;
    }
  }

  /** The same, once whoever is at work now has returned. */
  serveSoon(): void {
    if (this.#serveDue || this.#queue.size === 0) return;
    this.#serveDue = true;
    queueMicrotask(() => {
      if (this.#serveDue) this.serve();
    });
  }

  /** One more call may go to the backend: those that wait come first. `wasFull`: none could until now. */
  roomAt(backend: Backend, wasFull: boolean): void {
    if (wasFull && this.#backends.ready.roomChanged(backend)) this.#roomAgain(backend);
    if (this.#queue.size > 0 && this.#backends.ready.anyRoom) this.serve();
  }

  /** Told as a call ends, whose connection must not hear of what a user's picker throws. */
  #roomAgain(backend: Backend): void {
    try {
      this.#picker.roomAgain?.(backend);
    } catch (error) {
      reportUserCode(this.#events, "picker", error);
    }
  }

  /** The policy threw, and no earlier picker of it is of use. */
  failAll(error: unknown): void {
    this.#picker = failAll(policyFailure(error));
  }

  /** Says why the call may not wait. Undefined: it may. */
  #fullFor({ requestBytes }: PendingCall): string | undefined {
    const { size, bytes } = this.#queue;
    const { maxQueuedCalls, maxQueuedBytes } = this.#limits;
    const waiting = `${size} calls already wait for a connection or a stream slot`;
    if (size >= maxQueuedCalls) return `${waiting} (maxQueuedCalls ${maxQueuedCalls})`;
    // The largest request there may be waits too, where it keeps company with none.
    if (bytes === 0 || bytes + requestBytes <= maxQueuedBytes) return undefined;
    return `${waiting} with requests of ${bytes} bytes, beside which one of ${requestBytes} bytes does not fit (maxQueuedBytes ${maxQueuedBytes})`;
  }

  /** Picks for the call, and tells it unless it has to wait. */
  #serve(call: PendingCall): Served {
    const result = this.#pick(call);
    if (result === "queue") return wait(call);
    if ("backend" in result) {
      const connection = this.#backends.get(result.backend.id)?.connectionWithRoom;
      // A picker may hold on to a backend that is full or lost by now: the call waits for the next one.
      if (connection === undefined) return wait(call);
      this.#leaveQueue(call);
      call.onPicked(connection, result);
      return "picked";
    }
    if (call.waitForReady && result.code === Code.Unavailable && result.kind !== "dropped") return wait(call);
    this.#leaveQueue(call);
    call.onPickFailed(result);
    return "failed";
  }

  /** First: whoever is told may dispatch again. */
  #leaveQueue(call: PendingCall): void {
    if (this.#queue.size === 0) return;
    this.#queue.remove(call);
    if (this.#queue.size > 0) return;
    const waited = this.#waited;
    this.#waited = 0;
    this.#listener.onQueueEmptied(waited);
  }

  #pick(call: PendingCall): Pick | "queue" | Failure {
    try {
      const result = this.#picker.pick(call.pickInfo);
      if (result === "queue") return result;
      if (typeof result === "object" && result !== null) {
        if ("backend" in result && typeof result.backend?.id === "string") {
          if (result.metadata !== undefined) checkPickMetadata(result.metadata);
          return result;
        }
        if (isFailure(result)) return result;
        if ("drop" in result) return droppedFailure(result);
      }
      throw new TypeError(
        `a picker returns a backend, a pick of one, "queue", a failure or a drop, not ${describeValue(result)}`,
      );
    } catch (error) {
      reportUserCode(this.#events, "picker", error);
      return policyFailure(error);
    }
  }
}

function wait(call: PendingCall): Served {
  call.onWaits?.();
  return "waits";
}

function droppedFailure({ drop, code = Code.Unavailable }: Drop): Failure {
  const message = `the load-balancing policy dropped the call: ${drop}`;
  return { kind: "dropped", code, progress: "unsent", message };
}

/** A picker may be the user's own, and its failure made by hand. */
function isFailure(result: unknown): result is Failure {
  const { kind, code, message } = (result ?? {}) as Partial<Failure>;
  return kind !== undefined && typeof code === "number" && code in Code && typeof message === "string";
}

function policyFailure(cause: unknown): Failure {
  const message = `the load-balancing policy threw: ${describeCause(cause)}`;
  return { kind: "no-backend", code: Code.Internal, progress: "unsent", message, cause };
}
