import assert from "node:assert/strict";
import { createSecureServer, type SecureServerOptions } from "node:http2";
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
async function startServer(maxVersion: SecureVersion, port = 0, more: SecureServerOptions = {}) {
  const resumed: boolean[] = [];
  /** Which name each connection asked for, and as whom. */
  const seen: { readonly name: string | undefined; readonly as: string }[] = [];
  const server = createSecureServer({ ...serverIdentity, maxVersion, rejectUnauthorized: false, ...more });
  server.on("secureConnection", (socket: TLSSocket & { servername?: string }) => {
    resumed.push(socket.isSessionReused());
    seen.push({ name: socket.servername, as: socket.getPeerCertificate().subject?.CN ?? "nobody" });
  });
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "0" }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => server.close(resolve));
  return { port: (server.address() as AddressInfo).port, resumed, seen, close };
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

    it("is another client with another certificate, and asks for another name anew: no session of one is offered for the other", async () => {
      const server = await startServer("TLSv1.3", 0, { ca, requestCert: true });
      const sessions = new TlsSessions();
      const who = { ca, ...clientIdentity, servername: "echo.test" };
      const others: readonly ConnectionOptions[] = [
        { ca, servername: "echo.test" },
        { ...who, servername: "svc.test" },
      ];
      for (const other of others) {
        await visit(server.port, sessions, who);
        await visit(server.port, sessions, who);
        await visit(server.port, sessions, other);
        await visit(server.port, sessions, other);
        assert.deepEqual(server.resumed.splice(0), [false, true, false, true]);
      }
      const [client, nobody] = ["glink test client", "nobody"];
      assert.deepEqual(
        server.seen.map(({ name, as }) => [name, as]),
        [
          ...Array(2).fill(["echo.test", client]),
          ...Array(2).fill(["echo.test", nobody]),
          ...Array(2).fill(["echo.test", client]),
          ...Array(2).fill(["svc.test", client]),
        ],
      );
      await server.close();
    });

    it("verifies anew when a list of authorities was changed in place", async () => {
      const server = await startServer("TLSv1.3");
      const sessions = new TlsSessions();
      const tls = { ca: [ca] };
      await visit(server.port, sessions, tls);
      tls.ca.splice(0, 1, otherCa);
      await assert.rejects(visit(server.port, sessions, tls), /TLS failed/);
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

  it("gives no session to a dial with other options than it was made with, or with a check of its own", () => {
    const sessions = new TlsSessions();
    const changes: readonly ConnectionOptions[] = [
      { ca: otherCa },
      { ca: [ca, otherCa] },
      { ca, ...clientIdentity },
      { ca, servername: "svc.test" },
      { ca, rejectUnauthorized: false },
      { ca, minVersion: "TLSv1.3" },
      { ca, passphrase: "a" },
      { ca, checkServerIdentity: () => undefined },
    ];
    for (const changed of changes) {
      sessions.keep("a", Buffer.from("1"), options);
      assert.equal(sessions.take("a", changed), undefined);
      assert.equal(sessions.take("a", options), undefined, "it is of no use any more");
    }
  });
});
