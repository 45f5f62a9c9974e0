import type { GlinkEvent, GlinkTransport } from "../../index.ts";

/** Hears the events of a transport. */
export interface EventListener {
  onEvent(event: GlinkEvent): void;
}

/** What ends subscriptions whose listeners were let go. It holds neither the listeners nor transports. */
const letGo = new FinalizationRegistry<() => void>((unsubscribe) => unsubscribe());

/**
 * Subscribes `listener` until the returned function is called, or until nobody else holds it. A listener that refers to its
 * transport would otherwise keep it, and with it whatever the transport holds.
 */
export function hearWeakly(transport: Pick<GlinkTransport, "subscribe">, listener: EventListener): () => void {
  const unsubscribe = transport.subscribe(passingTo(new WeakRef(listener)));
  letGo.register(listener, unsubscribe, listener);
  return () => {
    letGo.unregister(listener);
    unsubscribe();
  };
}

/** A function of its own: closures that are made in one function keep all that any of them uses. */
function passingTo(listener: WeakRef<EventListener>): (event: GlinkEvent) => void {
  return (event) => listener.deref()?.onEvent(event);
}
