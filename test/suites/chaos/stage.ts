import { setTimeout as sleep } from "node:timers/promises";
import { type FakeDns, fakeDns } from "../../../src/testing/index.ts";
import { type HttpProxy, startHttpProxy } from "../../support/http-proxy.ts";
import { type ChaosBackend, startBackend } from "./backends.ts";
import { Gate } from "./gate.ts";
import type { Hosts } from "./hosts.ts";
import { type Place, serviceName } from "./messages.ts";
import { hopelessKinds, type Plan, type PlannedAction } from "./plan.ts";
import { within } from "./within.ts";

/** What a server may take for one thing that it is told, beside what that takes by itself. */
const backendTimeoutMs = 30_000;

const srvName = `_grpc._tcp.${serviceName}`;
const hostNameOf = (index: number) => `backend-${index}.${serviceName}`;

/** Everything of a round but its client: servers, the gates before them, DNS, a proxy. */
export class Stage {
  readonly #plan: Plan;
  readonly #backends: readonly ChaosBackend[];
  readonly gates: readonly Gate[];
  readonly #dns: FakeDns;
  readonly #proxy: HttpProxy;
  /** Those that DNS names. */
  #listed: readonly number[];

  private constructor(parts: {
    readonly plan: Plan;
    readonly backends: readonly ChaosBackend[];
    readonly gates: readonly Gate[];
    readonly dns: FakeDns;
    readonly proxy: HttpProxy;
  }) {
    this.#plan = parts.plan;
    this.#backends = parts.backends;
    this.gates = parts.gates;
    this.#dns = parts.dns;
    this.#proxy = parts.proxy;
    this.#listed = parts.backends.map((_, index) => index);
    this.#list();
  }

  static async open(plan: Plan, hosts: Hosts, manyAddresses: boolean): Promise<Stage> {
    const backends: ChaosBackend[] = [];
    for (const [id, planned] of plan.backends.entries()) {
      backends.push(await startBackend(planned, id, { hosts, tls: plan.tls }));
    }
    const gates = await openGates(backends, manyAddresses);
    for (const [index, { kind }] of plan.backends.entries()) if (kind === "nowhere") gates[index]?.refuse();
    return new Stage({ plan, backends, gates, dns: await fakeDns(), proxy: await startHttpProxy() });
  }

  get place(): Place {
    const [first] = this.gates as [Gate];
    return {
      addresses: this.gates.map(({ address }) => address),
      port: first.port,
      dnsServer: this.#dns.address,
      proxyUrl: this.#proxy.url,
    };
  }

  /** Queries about the service: its address records, or its SRV records. */
  get lookups(): number {
    return this.#plan.resolver === "srv" ? this.#dns.queries(srvName) : this.#dns.queries(serviceName, "A");
  }

  /**
   * Does what the plan says, when it says so, until the storm is over or `signal` aborts. Resolves with what went wrong with
   * the stage itself.
   */
  async play(signal: AbortSignal): Promise<string[]> {
    const beganMs = performance.now();
    const failures: string[] = [];
    const doing: Promise<void>[] = [];
    const until = (ms: number) =>
      sleep(Math.max(0, ms - (performance.now() - beganMs)), undefined, { signal }).catch(() => undefined);
    for (const action of this.#plan.actions) {
      await until(action.atMs);
      if (signal.aborted) break;
      doing.push(this.#do(action).catch((error: Error) => void failures.push(error.message)));
    }
    await until(this.#plan.stormMs);
    await Promise.all(doing);
    return failures;
  }

  /** Everything works, but for what never did; and DNS names what works. Resolves with what does not. */
  async heal(): Promise<string[]> {
    const failures: string[] = [];
    const hopeful = this.#plan.backends.flatMap(({ kind }, index) => (hopelessKinds.has(kind) ? [] : [index]));
    for (const index of hopeful) this.gates[index]?.heal();
    const healing = this.#each("to be well again", (backend) => backend.heal());
    await Promise.all(healing.map((one) => one.catch((error: Error) => void failures.push(error.message))));
    this.#listed = hopeful;
    this.#list();
    return failures;
  }

  /** Executions by request id at the backend of each address; undefined: it does not count. */
  async executions(): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
    const counted = await Promise.all(this.#each("to say what it ran", (backend) => backend.executions()));
    return new Map(
      counted.flatMap((executions, index) =>
        executions === undefined ? [] : [[this.gates[index]?.address ?? "", executions] as const],
      ),
    );
  }

  async close(): Promise<void> {
    for (const gate of this.gates) gate.close();
    await Promise.all([
      ...this.#each("to end", (backend) => backend.close()),
      within(backendTimeoutMs, "the DNS server's end", this.#dns.close()),
      within(backendTimeoutMs, "the proxy's end", this.#proxy.close()),
    ]);
  }

  /** The same of every backend, each of which has its time for it. */
  #each<T>(what: string, work: (backend: ChaosBackend) => Promise<T>): Promise<T>[] {
    return this.#backends.map((backend, index) =>
      within(backendTimeoutMs, `${this.#nameOf(index)} ${what}`, work(backend)),
    );
  }

  #nameOf(index: number): string {
    return `backend ${index} (${this.#plan.backends[index]?.kind})`;
  }

  async #do(action: PlannedAction): Promise<void> {
    if (action.do === "list") {
      this.#listed = action.backends;
      this.#list();
    } else if (action.do === "dns") {
      this.#list(action.fault);
    } else {
      const gate = this.gates[action.backend];
      const backend = this.#backends[action.backend];
      const isNowhere = this.#plan.backends[action.backend]?.kind === "nowhere";
      if (gate === undefined || backend === undefined || isNowhere) return;
      const what = `${this.#nameOf(action.backend)} ${JSON.stringify(action)}`;
      await within(backendTimeoutMs, what, befall(action, gate, backend));
    }
  }

  #list(fault: Extract<PlannedAction, { do: "dns" }>["fault"] = "none"): void {
    const delayMs = fault === "slow" ? 700 : 0;
    const addresses = fault === "empty" ? [] : this.#listed.map((index) => this.gates[index]?.host ?? "");
    const services =
      fault === "empty"
        ? []
        : this.#listed.map((index) => ({ target: hostNameOf(index), port: this.gates[index]?.port ?? 0 }));
    const broken =
      fault === "silent"
        ? { silent: true }
        : fault === "SERVFAIL" || fault === "NXDOMAIN" || fault === "REFUSED"
          ? { error: fault }
          : undefined;
    this.#dns.set(serviceName, broken ?? { addresses, ttlSeconds: 1, delayMs });
    this.#dns.set(srvName, broken ?? { services, ttlSeconds: 1, delayMs });
    for (const [index, { host }] of this.gates.entries()) {
      this.#dns.set(hostNameOf(index), { addresses: [host], ttlSeconds: 1 });
    }
  }
}

async function befall(
  action: Exclude<PlannedAction, { do: "list" | "dns" }>,
  gate: Gate,
  backend: ChaosBackend,
): Promise<void> {
  if (action.do === "refuse" || action.do === "freeze" || action.do === "stall") {
    gate[action.do]();
    await sleep(action.forMs);
    gate.heal();
  } else if (action.do === "slow") {
    gate.slow(action.delayMs);
    await sleep(action.forMs);
    gate.slow(0);
  } else if (action.do === "reset") gate.cutAll();
  else if (action.do === "end") gate.endAll();
  else if (action.do === "cut") gate.cutAfter(action.afterBytes, action.reset);
  else if (action.do === "drain") await backend.drain?.();
  else if (action.do === "kill") await backend.kill?.();
  else if (action.do === "health") backend.health?.(action.serving);
  else if (action.do === "settings") backend.settings?.(action.maxStreams, action.windowBytes);
  else if (action.do === "stop") {
    backend.stop?.();
    await sleep(action.forMs);
    backend.resume?.();
  }
}

/** On addresses of their own and one port, as pods have them; where the machine has one address, on ports of their own. */
async function openGates(backends: readonly ChaosBackend[], manyAddresses: boolean): Promise<Gate[]> {
  for (let attempt = 1; ; attempt++) {
    const gates: Gate[] = [];
    try {
      for (const [index, backend] of backends.entries()) {
        const host = manyAddresses ? `127.83.0.${index + 2}` : "127.0.0.1";
        gates.push(await Gate.open(host, manyAddresses ? (gates[0]?.port ?? 0) : 0, () => backend.port));
      }
      return gates;
    } catch (error) {
      for (const gate of gates) gate.close();
      if (attempt === 5) throw error;
    }
  }
}
