import assert from "node:assert/strict";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import type { ConnectionOptions, SecureVersion, TLSSocket } from "node:tls";
import { parseTarget } from "../../../../src/endpoint/target.ts";
import { TlsSessions } from "../../../../src/http2/dial/tls-sessions.ts";
import { ca, clientIdentity, otherCa, serverIdentity } from "../../../support/certificates.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { connectTo, emptyMessage, engines, head, RecordingListener, RecordingOwner } from "../wire/engine.ts";

checkForLeaks();

/** A gRPC server over TLS that notes of each connection whether it resumed a session. */
async function startServer(maxVersion: SecureVersion, port = 0) {
  const resumed: boolean[] = [];
  const server = createSecureServer({ ...serverIdentity, maxVersion });
  server.on("secureConnection", (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "0" }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => server.close(resolve));
  return { port: (server.address() as AddressInfo).port, resumed, close };
}

for (const engine of engines) {
  /** Connects, makes one call, and closes in good order. */
  async function visit(port: number, tlsSessions: TlsSessions, tls: ConnectionOptions): Promise<void> {
    const owner = new RecordingOwner();
    const target = parseTarget(`https://echo.test:${port}`);
    const connection = await connectTo(engine, port, owner, {}, { target, tls, tlsSessions });
    const listener = new RecordingListener();
    connection.request(head, [], emptyMessage, listener);
    assert.equal(await listener.closed, undefined);
    connection.drain();
    await owner.closed;
  }

  describe(`TLS sessions, ${engine.name} engine`, () => {
    for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
      it(`resumes them with a server that it has met, over ${version}`, async () => {
        const server = await startServer(version);
        const sessions = new TlsSessions();
        for (let i = 0; i < 4; i++) await visit(server.port, sessions, { ca });
        assert.deepEqual(server.resumed, [false, true, true, true]);
        await visit(server.port, new TlsSessions(), { ca });
        assert.equal(server.resumed.at(-1), false);
        await server.close();
      });
    }

    it("verifies anew when the authorities have changed, which a getter of nodeOptions can do", async () => {
      const server = await startServer("TLSv1.3");
      const sessions = new TlsSessions();
      let authorities = ca;
      const tls = {
        get ca() {
          return authorities;
        },
      };
      await visit(server.port, sessions, tls);
      await visit(server.port, sessions, tls);
      authorities = otherCa;
      await assert.rejects(visit(server.port, sessions, tls), /TLS failed/);
      authorities = ca;
      await visit(server.port, sessions, tls);
      assert.deepEqual(server.resumed, [false, true, false]);
      await server.close();
    });

    it("connects to another server on the same address, which does not know the session", async () => {
      const first = await startServer("TLSv1.3");
      const sessions = new TlsSessions();
      await visit(first.port, sessions, { ca });
      await first.close();
      const second = await startServer("TLSv1.3", first.port);
      await visit(second.port, sessions, { ca });
      await visit(second.port, sessions, { ca });
      assert.deepEqual(second.resumed, [false, true]);
      await second.close();
    });
  });
}

describe("TlsSessions", () => {
  const options = { ca };

  it("keeps the newest session of each address, for one use", () => {
    const sessions = new TlsSessions();
    sessions.keep("a", Buffer.from("1"), options);
    sessions.keep("a", Buffer.from("2"), options);
    assert.equal(sessions.take("a", options)?.toString(), "2");
    assert.equal(sessions.take("a", options), undefined);
  });

  it("forgets the eldest of more than a thousand", () => {
    const sessions = new TlsSessions();
    for (let i = 0; i <= 1_000; i++) sessions.keep(String(i), Buffer.from(String(i)), options);
    assert.equal(sessions.take("0", options), undefined);
    assert.equal(sessions.take("1", options)?.toString(), "1");
    assert.equal(sessions.take("1000", options)?.toString(), "1000");
  });

  it("gives no session to a dial with other certificates than it was made with, or with a check of its own", () => {
    const sessions = new TlsSessions();
    for (const changed of [{ ca: otherCa }, { ca, ...clientIdentity }, { ca, checkServerIdentity: () => undefined }]) {
      sessions.keep("a", Buffer.from("1"), options);
      assert.equal(sessions.take("a", changed), undefined);
      assert.equal(sessions.take("a", options), undefined, "it is of no use any more");
    }
  });
});
