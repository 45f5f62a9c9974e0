import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { parseTarget } from "../../../src/endpoint/target.ts";
import { DialError } from "../../../src/http2/connection.ts";
import { ca } from "../../support/certificates.ts";
import {
  connectTo,
  type Engine,
  emptyMessage,
  head,
  RecordingListener,
  RecordingOwner,
  testEnd,
} from "../../unit/http2/wire/engine.ts";

/** h2specd waits for two seconds for what it wants to see, and gives up on a client after three. */
const caseMs = 2_500;

/** The client under test: one connection and one call for each URL that a relay brings. */
export interface H2specClient {
  readonly port: number;
  close(): Promise<void>;
}

export async function startClient(engine: Engine): Promise<H2specClient> {
  const server = createServer({ allowHalfOpen: true }, (relay) => {
    void serve(engine, relay);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      await once(server, "close");
    },
  };
}

async function serve(engine: Engine, relay: Socket): Promise<void> {
  relay.on("error", () => undefined);
  await call(engine, new URL(await text(relay)));
  relay.end();
}

/** The peer breaks the rules on purpose: whatever becomes of the call, it has no other witness than h2specd. */
async function call(engine: Engine, { protocol, port }: URL): Promise<void> {
  const owner = new RecordingOwner();
  const tls = protocol === "https:";
  try {
    const dial = tls ? { target: parseTarget(`https://echo.test:${port}`), tls: { ca } } : {};
    const connection = await connectTo(engine, Number(port), owner, {}, dial);
    connection.request(head, [], emptyMessage, new RecordingListener());
    const timer = setTimeout(() => connection.close(testEnd), caseMs);
    await owner.closed;
    clearTimeout(timer);
  } catch (error) {
    // Some cases break the handshake.
    if (!(error instanceof DialError)) throw error;
  }
}
