import type { GlinkTransport } from "../index.ts";
import type { TestBackend } from "./backends/test-backend.ts";
import { checkMethods, described } from "./check.ts";
import { type WaitingOptions, waitFor } from "./waiting.ts";

/** As they were when this module was loaded: a runner's fake timers would not let anybody wait. */
const { setInterval, clearInterval } = globalThis;

const lookMs = 10;

/**
 * Resolves once the transport is connected to each of the backends, whether or not calls come: as calls do, it keeps those that
 * cannot be reached being dialled. Rejects when that is not so in time, with what stood in the way; and with a TypeError for bad
 * input. A `testTransport` waits between two dials by the clock of its test.
 */
export async function allReady(
  transport: Pick<GlinkTransport, "ready" | "snapshot">,
  backends: readonly Pick<TestBackend, "address">[],
  options: WaitingOptions = {},
): Promise<void> {
  checkMethods("the transport of allReady", transport, ["ready", "snapshot"]);
  if (!Array.isArray(backends)) throw new TypeError(`allReady takes a list of backends, not ${described(backends)}`);
  const missing = () => {
    const ready = transport.snapshot().subchannels.filter(({ state }) => state === "ready");
    return backends.filter(({ address }) => !ready.some((subchannel) => subchannel.address === address));
  };
  if (missing().length === 0) return;
  const stop = new AbortController();
  await waitFor<void>(
    options,
    () =>
      `not ready: ${missing()
        .map(({ address }) => `${address} (${stateOf(transport, address)})`)
        .join(", ")}`,
    (resolve, reject) => {
      let isAsking = false;
      const look = () => {
        if (missing().length === 0) {
          end();
          resolve();
        } else if (!isAsking) {
          isAsking = true;
          // It resolves as soon as one of them is ready; being asked ends the rest of the others.
          transport.ready({ signal: stop.signal }).then(
            () => {
              isAsking = false;
            },
            (error: unknown) => {
              if (stop.signal.aborted) return;
              end();
              reject(error);
            },
          );
        }
      };
      const timer = setInterval(look, lookMs);
      const end = () => {
        clearInterval(timer);
        stop.abort();
      };
      look();
      return end;
    },
  );
}

function stateOf(transport: Pick<GlinkTransport, "snapshot">, address: string): string {
  const found = transport.snapshot().subchannels.find((subchannel) => subchannel.address === address);
  if (found === undefined) return "no backend of the transport";
  return found.lastError === undefined ? found.state : `${found.state}: ${found.lastError.message}`;
}
