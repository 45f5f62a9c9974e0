import type { Events } from "../observe/events.ts";
import type { CallTracer } from "../observe/instrumentation.ts";
import { callUserCode, reportUserCode } from "../observe/user-code.ts";
import type { GlinkCallOptions } from "./call-options.ts";

/** `onAttempt` of one call, as an instrumentation of that call alone. */
export function onAttemptTracer(onAttempt: NonNullable<GlinkCallOptions["onAttempt"]>, events: Events): CallTracer {
  return {
    attemptStarted: ({ number }) => ({
      ended({ address, code, progress, message, retryDelayMs }) {
        callUserCode(onAttempt, [{ attempt: number, address, code, progress, message, retryDelayMs }], (error) => {
          reportUserCode(events, "onAttempt", error);
        });
      },
    }),
  };
}
