import type { DescMessage } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { abortErrorOf, toConnectError } from "../../base/connect-error.ts";
import { canceledFailure, type Failure } from "../../base/errors.ts";
import { asConnectError, connectErrorFrom } from "../../base/thrown.ts";
import type { AbortWatch } from "../../calls/abort-watch.ts";
import { CallList, type ListedCall } from "../../calls/call-list.ts";
import { abandon, type Cancellable } from "../../calls/cancellable.ts";
import { Lifetime } from "../../calls/lifetime.ts";
import type { CallGroup } from "../../calls/open-calls.ts";
import { Caller, tracedWhenThrown } from "../../channel/caller.ts";
import type { TimerHandle } from "../../runtime/clock.ts";
import type { CallEnvironment, CallInput } from "../environment.ts";
import type { CallerMessages } from "../messages/caller-messages.ts";
import type { Abortable } from "./lazy-signal.ts";

/** How long interceptors may take to pass on that a call was cancelled. Then the caller hears it directly. */
const settleMs = 100;

/** What a step comes to, for whoever awaits it. */
interface Step {
  reject(thrown: () => unknown): void;
}

/** How the call ended for its interceptors. */
interface Ended {
  readonly failure: Failure;
  /** Why their signal is aborted. */
  readonly reason: ConnectError;
  /** Gives the reason, to whoever throws it. */
  readonly thrown: () => ConnectError;
  /** It did not end by itself: whatever interceptors make of that, its caller hears the reason. */
  readonly isCancelled: boolean;
}

/**
 * One call as its interceptors see it: its signal, its time, and the calls they passed on, which end with it. It is open
 * while interceptors work for it or a call that they passed on is open.
 */
export class InterceptorScope implements Cancellable, CallGroup, Abortable {
  readonly deadlineMs: number;
  readonly #environment: CallEnvironment;
  readonly #input: CallInput;
  /** Once somebody asked for the signal. */
  #controller: AbortController | undefined;
  readonly #callEnded: ConnectError;
  /** The caller's iterable of request messages, of a stream. */
  readonly #messages: CallerMessages<DescMessage> | undefined;
  readonly #innerCalls = new CallList();
  /** Steps that run. */
  readonly #steps = new Set<Step>();
  #lifetime: Lifetime | undefined;
  #ended: Ended | undefined;
  #settleTimer: TimerHandle | undefined;

  /**
   * `callEnded`: why the signal of a call that ended well is aborted. Connect aborts it at every end, so that waiting code
   * wakes.
   */
  constructor(
    environment: CallEnvironment,
    input: CallInput,
    callEnded: ConnectError,
    messages: CallerMessages<DescMessage> | undefined,
  ) {
    const { timeoutMs } = input;
    this.#environment = environment;
    this.#input = input;
    this.#callEnded = callEnded;
    this.#messages = messages;
    this.deadlineMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : environment.channel.clock.now() + timeoutMs;
    environment.channel.openCalls.started();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason);
    }
    return this.#controller.signal;
  }

  get aborts(): AbortWatch {
    return this.#environment.channel.openCalls.aborts;
  }

  /** A call that is not open now, while the user reads what is left of its answer, cannot go on once the transport closed. */
  get ended(): Failure | undefined {
    return (
      this.#ended?.failure ?? (this.#lifetime === undefined ? this.#environment.channel.openCalls.ended : undefined)
    );
  }

  /**
   * Runs a step of the interceptors: their chain, then each read of a stream. Its promise settles even if the step never
   * does, {@link settleMs} after the call has ended. It rejects with a ConnectError, and that ends the call.
   */
  async run<R>(step: () => Promise<R>): Promise<R> {
    const outcome = new Caller<R>();
    this.#steps.add(outcome);
    this.#open();
    this.#limitSteps();
    try {
      Promise.resolve(step()).then(outcome.resolve, (error: unknown) => outcome.reject(() => error));
      return await outcome.promise;
    } catch (error) {
      const thrown = this.#errorFor(error);
      this.finish(thrown);
      throw thrown;
    } finally {
      this.#stepEnded(outcome);
    }
  }

  /** The user has the whole answer, or its error: what interceptors still do for this call is told to stop. */
  finish(error: ConnectError = this.#callEnded): void {
    this.#environment.abandonedStreams.unregister(this);
    if (this.#ended === undefined) this.#end(this.#endedWith(error));
    this.#closeIfIdle();
  }

  /** The user left the response stream before its end, or let go of it: nobody hears an error, as at a good end. */
  abandoned(): void {
    this.#environment.abandonedStreams.unregister(this);
    if (this.#ended !== undefined) return;
    this.#end(this.#endedWith(this.#callEnded), abandon);
    this.#closeIfIdle();
  }

  add(call: ListedCall): void {
    this.#innerCalls.add(call);
    this.#open();
  }

  delete(call: ListedCall): void {
    if (this.#innerCalls.delete(call)) this.#closeIfIdle();
  }

  cancel(failure: Failure): void {
    if (this.#ended !== undefined) return;
    const error = toConnectError(failure, { attempts: 0 });
    const thrown = tracedWhenThrown(error, failure.asIs);
    this.#end({ failure, reason: error, thrown, isCancelled: true });
  }

  /** The error of the caller's own abort, if there was one. */
  abortError(): ConnectError | undefined {
    return abortErrorOf(this.#input.signal);
  }

  /** By itself, well or with its own error. */
  #endedWith(reason: ConnectError): Ended {
    return { failure: canceledFailure(reason), reason, thrown: () => reason, isCancelled: false };
  }

  /** Calls passed on first: they know which backend it was about. */
  #end(ended: Ended, endCall: (call: Cancellable) => void = (call) => call.cancel(ended.failure)): void {
    const { reason } = ended;
    this.#ended = ended;
    this.#messages?.callEnded(reason === this.#callEnded ? undefined : reason);
    this.#innerCalls.walk(endCall);
    this.#controller?.abort(reason);
    this.#limitSteps();
  }

  /** What the caller sees for an error of a step: once the call was cancelled, that. */
  #errorFor(error: unknown): ConnectError {
    const ended = this.#ended;
    if (!ended?.isCancelled) return connectErrorFrom(error);
    const own = asConnectError(error);
    return own?.code === ended.reason.code ? own : ended.thrown();
  }

  #open(): void {
    if (this.#lifetime !== undefined || this.ended !== undefined) return;
    const { openCalls, clock } = this.#environment.channel;
    const timed = this.deadlineMs !== Number.POSITIVE_INFINITY;
    const remainingMs = timed ? Math.max(0, this.deadlineMs - clock.now()) : undefined;
    this.#lifetime = new Lifetime(openCalls, clock, remainingMs, this.#input.signal);
    this.#lifetime.begin(this);
  }

  /** Once the call has ended, steps that go on without end do not keep their caller waiting, nor do those that begin then. */
  #limitSteps(): void {
    if (this.#ended === undefined || this.#steps.size === 0 || this.#settleTimer !== undefined) return;
    const { thrown } = this.#ended;
    this.#settleTimer = this.#environment.channel.clock.setTimeout(() => this.#rejectSteps(thrown), settleMs);
  }

  #stepEnded(step: Step): void {
    if (this.#steps.delete(step)) this.#closeIfIdle();
  }

  #rejectSteps(thrown: () => ConnectError): void {
    this.#settleTimer = undefined;
    for (const step of this.#steps) step.reject(thrown);
    this.#steps.clear();
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#steps.size > 0 || this.#innerCalls.size > 0) return;
    this.#environment.channel.clock.clearTimeout(this.#settleTimer);
    this.#settleTimer = undefined;
    this.#lifetime?.end();
    this.#lifetime = undefined;
  }
}
