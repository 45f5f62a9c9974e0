/**
 * As it was when this module was loaded. It stands for the order of things within a turn of the event loop, not for time:
 * Jest's fake timers would hold back what a connection has to say.
 */
export const queueMicrotask: (callback: () => void) => void = globalThis.queueMicrotask;
