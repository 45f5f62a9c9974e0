/** Makes the signal of a call when it is first asked for. */
export interface SignalSource {
  readonly signal: AbortSignal;
}

const sourceOf = Symbol("glink.signalSource");

interface LazySignal {
  readonly signal: AbortSignal;
  readonly [sourceOf]: SignalSource;
}

/**
 * The same two functions for every request, so that V8 gives all of them one shape. They find the source by a property:
 * `this` may be a Proxy of the request, or an object that inherits from it.
 */
const signalProperty: PropertyDescriptor & ThisType<LazySignal> = {
  get() {
    return this[sourceOf].signal;
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
export function addSignal<R extends object>(request: R, source: SignalSource): R & { readonly signal: AbortSignal } {
  Object.defineProperty(request, sourceOf, { value: source });
  return Object.defineProperty(request, "signal", signalProperty) as R & { readonly signal: AbortSignal };
}

/** The signal of a request that an interceptor passes on, where that is not the source's. */
export function otherSignalOf(
  request: { readonly signal: AbortSignal },
  source: SignalSource,
): AbortSignal | undefined {
  const isUntouched = Object.getOwnPropertyDescriptor(request, "signal")?.get === signalProperty.get;
  if (isUntouched && (request as LazySignal)[sourceOf] === source) return undefined;
  const { signal } = request;
  return signal === source.signal ? undefined : signal;
}
