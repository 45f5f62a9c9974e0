import { hasGo } from "../../support/go-tools.ts";
import type { TestProcesses } from "../../support/processes.ts";
import { freePort, type Programs } from "../../support/programs.ts";
import { type RunningPeer, realPeers } from "../../support/real-peers.ts";
import { agingServerVersion, buildAgingServer } from "../aging/aging-server.ts";
import { InteropServices } from "../interop/messages.ts";
import { commonScenarios, echoRequests, interopRequests, type Scenario } from "./scenarios.ts";

/** A server, and what is recorded of it. */
export interface RecordedPeer {
  /** The first part of its recordings' names. */
  readonly name: string;
  readonly version: string;
  readonly scenarios: Readonly<Record<string, Scenario>>;
  start(): Promise<RunningPeer>;
}

/** Connections are for a handful of calls each: nginx is not to end them. */
const nginxRequests = 1_000;

/** The peers that can run here. Says what is missing, and leaves it out. */
export function recordedPeers(programs: Programs, processes: TestProcesses): RecordedPeer[] {
  const scenarios = {
    echo: commonScenarios(echoRequests()),
    interop: commonScenarios(interopRequests(new InteropServices())),
  };
  const peers: RecordedPeer[] = [];
  for (const peer of realPeers(programs, processes, nginxRequests)) {
    const reason = peer.unavailable();
    if (reason === undefined) peers.push({ ...peer, scenarios: scenarios[peer.service] });
    else console.log(`${peer.version}: left out, ${reason}`);
  }
  if (hasGo()) peers.push(agingPeer(scenarios.echo, programs));
  return peers;
}

/** grpc-go's interop server cannot be asked for a graceful end. This one ends every connection after 100 ms. */
function agingPeer({ "shut-down": shutDown }: Readonly<Record<string, Scenario>>, programs: Programs): RecordedPeer {
  return {
    name: "grpc-go",
    version: `grpc-go ${agingServerVersion}`,
    scenarios: shutDown === undefined ? {} : { "shut-down": shutDown },
    async start() {
      const port = await freePort();
      const flags = ["-address", `127.0.0.1:${port}`, "-age", "100ms", "-handle", "300ms"];
      await programs.start(buildAgingServer(), flags, port);
      return { port, shutDown: () => undefined };
    },
  };
}
