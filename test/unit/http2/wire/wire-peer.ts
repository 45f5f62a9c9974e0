import type { Connection } from "../../../../src/http2/connection.ts";
import type { Http2Limits } from "../../../../src/http2/limits.ts";
import {
  connectTo,
  type DialSetUp,
  emptyMessage,
  head,
  RecordingListener,
  RecordingOwner,
  testEnd,
  wireEngine,
} from "./engine.ts";
import { frameTypes, type RawConnection, RawPeer } from "./raw-peer.ts";

/** A connection of the wire engine with two calls open, 1 and 3, whose requests the peer has seen. */
export interface Scene {
  readonly peer: RawConnection;
  readonly connection: Connection;
  readonly owner: RecordingOwner;
  readonly first: RecordingListener;
  readonly second: RecordingListener;
}

/** Sets a {@link Scene} up, and clears it away. */
export async function withScene(
  test: (scene: Scene) => Promise<void>,
  limits: Partial<Http2Limits> = {},
  dial: DialSetUp = {},
): Promise<void> {
  const raw = await RawPeer.start();
  const owner = new RecordingOwner();
  try {
    const accepted = raw.accept().then(async (peer) => {
      await peer.handshake();
      return peer;
    });
    const connection = await connectTo(wireEngine, raw.port, owner, limits, dial);
    const peer = await accepted;
    const first = new RecordingListener();
    const second = new RecordingListener();
    connection.request(head, [], emptyMessage, first);
    connection.request(head, [], emptyMessage, second);
    await peer.frame(frameTypes.headers, 3);
    try {
      await test({ peer, connection, owner, first, second });
    } finally {
      connection.close(testEnd);
      await owner.closed;
    }
  } finally {
    await raw.close();
  }
}
