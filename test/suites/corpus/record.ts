import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TestProcesses } from "../../support/processes.ts";
import { Programs } from "../../support/programs.ts";
import type { RunningPeer } from "../../support/real-peers.ts";
import { connectTo, RecordingOwner, testEnd, wireEngine } from "../../unit/http2/wire/engine.ts";
import { runRounds } from "./calls.ts";
import { type RecordedSession, sessionsFolder } from "./corpus.ts";
import { recordedPeers } from "./peers.ts";
import { Recorder } from "./recorder.ts";
import { plansOf, type Scenario } from "./scenarios.ts";

/*
 * node --import tsx test/suites/corpus/record.ts [PEER …]
 * Records what real servers send to the wire engine, into sessions/: all peers, or those whose files begin with PEER.
 * Look at the outcomes that changed before you commit them: the corpus test holds the engine to them. The servers that
 * are not there are left out, and keep their old files.
 */

/** Sessions are small, so that a test can play each of them byte by byte. */
const maxSessionBytes = 20_000;
/** By then the calls of a round have reached the server. */
const shutDownAfterMs = 100;

async function record(
  peer: string,
  port: number,
  scenario: Scenario,
  shutDown: RunningPeer["shutDown"],
): Promise<RecordedSession> {
  const recorder = await Recorder.start(port);
  const owner = new RecordingOwner();
  try {
    const connection = await connectTo(wireEngine, recorder.port, owner);
    const plans = plansOf(scenario);
    const outcomes = await runRounds(connection, plans, (round) => {
      if (scenario.shutDown && round === 0) setTimeout(() => shutDown?.(), shutDownAfterMs);
    });
    // The last frames of a session belong to it, whether a call waits for them or not.
    await sleep(200);
    const closed = owner.events.includes("closed");
    const { failure } = owner;
    if (failure !== undefined) throw new Error(`${peer}, ${scenario.about}: ${failure.message}`);
    connection.close(testEnd);
    await owner.closed;
    return {
      peer,
      about: scenario.about,
      calls: plans.map((plan, index) => {
        const outcome = outcomes[index];
        if (outcome === undefined) throw new Error(`call ${index} has no outcome`);
        return { ...plan, outcome };
      }),
      chunks: recorder.chunks,
      connection: { ...(owner.goaway === undefined ? {} : { goawayCode: owner.goaway.code }), closed },
    };
  } finally {
    await recorder.close();
  }
}

const programs = new Programs();
const processes = new TestProcesses();
const wanted = process.argv.slice(2);
const written: string[] = [];
try {
  for (const peer of recordedPeers(programs, processes)) {
    if (wanted.length > 0 && !wanted.some((name) => peer.name.startsWith(name))) continue;
    let running: RunningPeer | undefined;
    for (const [name, scenario] of Object.entries(peer.scenarios)) {
      running ??= await peer.start();
      const { port, reload } = running;
      const shutDown = running.shutDown ?? reload;
      if (scenario.shutDown && shutDown === undefined) continue;
      const session = await record(peer.version, port, scenario, shutDown);
      if (scenario.shutDown) running = undefined;
      const path = join(sessionsFolder, `${peer.name}-${name}.json`);
      const text = JSON.stringify(session, null, 2);
      if (text.length > maxSessionBytes) throw new Error(`${path} would have ${text.length} bytes`);
      writeFileSync(path, text);
      written.push(path);
      const { calls, chunks, connection } = session;
      console.log(`${peer.version}, ${scenario.about}: ${chunks.length} chunks, ${JSON.stringify(connection)}`);
      for (const { outcome } of calls) console.log(`  ${JSON.stringify(outcome)}`);
    }
  }
} finally {
  await processes.close();
  await programs.close();
}
execFileSync(join(import.meta.dirname, "../../../node_modules/.bin/biome"), ["format", "--write", ...written]);
