/** A call whose signal is made when it is first asked for. */
export interface Abortable {
  readonly signal: AbortSignal;
}

const callOf = Symbol("glink.call");

interface LazySignal {
  readonly signal: AbortSignal;
  readonly [callOf]: Abortable;
}

/**
 * The same two functions for every request, so that V8 gives all of them one shape. They find the call by a property:
 * `this` may be a Proxy of the request, or an object that inherits from it.
 */
const signalProperty: PropertyDescriptor & ThisType<LazySignal> = {
  get() {
    return this[callOf].signal;
  },
  /** As the plain property that Connect has. */
  set(value: unknown) {
    Object.defineProperty(this, "signal", { value, enumerable: true, configurable: true, writable: true });
  },
  enumerable: true,
  configurable: true,
};

/**
 * Gives a request its `signal`. An AbortSignal and its abort cost half as much as a small call, and most interceptors
 * never look at it: so it is an accessor, and an own and enumerable one, which `{ ...request }` reads.
 */
export function addSignal<R extends object>(request: R, call: Abortable): R & { readonly signal: AbortSignal } {
  Object.defineProperty(request, callOf, { value: call });
  return Object.defineProperty(request, "signal", signalProperty) as R & { readonly signal: AbortSignal };
}

/** The signal of a request that an interceptor passes on, where that is not its own call's. */
export function otherSignalOf(request: { readonly signal: AbortSignal }, call: Abortable): AbortSignal | undefined {
  const isUntouched = Object.getOwnPropertyDescriptor(request, "signal")?.get === signalProperty.get;
  if (isUntouched && (request as LazySignal)[callOf] === call) return undefined;
  const { signal } = request;
  return signal === call.signal ? undefined : signal;
}
