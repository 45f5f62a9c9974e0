import { noFields } from "../protocol/metadata.ts";
import type { CallEnd } from "./call.ts";

/** The end of a call that was never sent, but for why. */
export const noAttempt: Omit<CallEnd, "failure"> = Object.freeze({
  headers: noFields,
  trailers: noFields,
  attempts: 0,
  address: undefined,
  note: undefined,
});
