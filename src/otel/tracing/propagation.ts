import { type Context, diag, propagation, type TextMapPropagator, type TextMapSetter } from "@opentelemetry/api";
import type { AttemptHeader } from "../../index.ts";

/** Writes what a context carries into the headers of an attempt, in place of what the caller wrote there. */
export type Inject = (context: Context, header: AttemptHeader) => void;

const setter: TextMapSetter<AttemptHeader> = {
  set: (header, name, value) => header.set(name, value),
};

/** `propagator`: undefined is the one that is registered with OpenTelemetry's API; false: nothing is written. */
export function injectWith(propagator: TextMapPropagator | undefined | false): Inject {
  if (propagator === false) return () => undefined;
  const used = propagator ?? propagation;
  return (context, header) => {
    try {
      used.inject(context, header, setter);
    } catch (error) {
      // A propagator of the user's, or a value that no header can carry. The spans go on, as everywhere in OpenTelemetry.
      diag.error("glink: the context of an attempt could not be propagated", error);
    }
  };
}
