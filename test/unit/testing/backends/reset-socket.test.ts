import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { resetSocket } from "../../../../src/testing/backends/reset-socket.ts";
import { checkForLeaks } from "../../../support/leaks.ts";

checkForLeaks();

for (const [when, prepare] of [
  ["is open", () => undefined],
  // Node's own resetAndDestroy() fails then with EINVAL, and the process spins when it would end.
  ["is just ending", (socket: Socket) => socket.end()],
  ["ends behind data that nobody reads", (socket: Socket) => socket.end(Buffer.alloc(8_000_000))],
] as const) {
  test(`a connection that ${when} is reset, and closes`, async () => {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const peer = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
    const peerClosed = new Promise((resolve) => peer.once("close", resolve));
    peer.on("error", () => undefined);
    const [socket] = (await once(server, "connection")) as [Socket];
    const errors: unknown[] = [];
    socket.on("error", (error) => errors.push(error));
    const closed = once(socket, "close");
    prepare(socket);
    resetSocket(socket);
    await closed;
    assert.deepEqual(errors, []);
    peer.destroy();
    await peerClosed;
    server.close();
    await once(server, "close");
  });
}
