import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkForLeaks } from "../../support/leaks.ts";
import { connectTo, type Engine, engines, RecordingOwner, testEnd } from "../../unit/http2/wire/engine.ts";
import { type CallPlan, runAtOnce, runRounds } from "./calls.ts";
import {
  type CallOutcome,
  type RecordedConnection,
  type RecordedSession,
  recordedSessions,
  sessionsFolder,
} from "./corpus.ts";
import { Player, type Slicing, slicings } from "./player.ts";

checkForLeaks();

const sessions = recordedSessions();

interface Result {
  readonly outcomes: readonly CallOutcome[];
  readonly connection: RecordedConnection;
}

/** Plays a session to an engine that makes the same calls. */
async function replay(engine: Engine, session: RecordedSession, slicing: Slicing): Promise<Result> {
  const player = await Player.start(session, slicing);
  const owner = new RecordingOwner();
  try {
    const connection = await connectTo(engine, player.port, owner);
    const plans: CallPlan[] = session.calls.map(({ outcome: _, ...plan }) => plan);
    const outcomes = await (slicing === "in one chunk" ? runAtOnce(connection, plans) : runRounds(connection, plans));
    // An answer says that the connection is well after everything that was recorded.
    const answered = new Promise<void>((resolve) => connection.ping(resolve));
    await (session.connection.closed ? owner.closed : Promise.race([answered, owner.closed]));
    const { goaway, failure, events } = owner;
    assert.equal(failure, undefined, failure?.message);
    const closed = events.includes("closed");
    connection.close(testEnd);
    await owner.closed;
    return { outcomes, connection: { ...(goaway === undefined ? {} : { goawayCode: goaway.code }), closed } };
  } finally {
    await player.close();
  }
}

describe("a recorded session", () => {
  it("exists of every server that glink was tried with, and is small", () => {
    const peers = new Set([...sessions.values()].map(({ peer }) => peer.split(" ")[0]));
    assert.deepEqual([...peers].sort(), [
      "C-core,",
      "connect-node",
      "grpc-go",
      "grpc-js",
      "haproxy",
      "nghttpx",
      "nginx",
    ]);
    for (const name of sessions.keys()) assert.ok(statSync(join(sessionsFolder, `${name}.json`)).size < 20_000, name);
  });

  for (const engine of engines) {
    for (const slicing of slicings) {
      it(`ends as it did when it is played to the ${engine.name} engine ${slicing}`, async () => {
        for (const [name, session] of sessions) {
          const { outcomes, connection } = await replay(engine, session, slicing);
          assert.deepEqual(
            outcomes,
            session.calls.map(({ outcome }) => outcome),
            name,
          );
          assert.deepEqual(connection, session.connection, name);
        }
      });
    }
  }
});
