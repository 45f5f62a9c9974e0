import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { admin } from "./components.ts";

export const namespace = "default";
export const port = 50_051;
export const zones = ["za", "zb"];

const core = `/api/v1/namespaces/${namespace}`;
export const slicesPath = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;

/** What pods need around them: nodes in two zones, and a Service that selects them. */
export async function createService(name: string, more: object = {}): Promise<void> {
  const spec = { selector: { app: name }, ports: [{ name: "grpc", port }], ...more };
  await admin("POST", `${core}/services`, { metadata: { name }, spec });
}

export async function createNodes(): Promise<void> {
  for (const zone of zones) {
    const labels = { "topology.kubernetes.io/zone": zone };
    await admin("POST", "/api/v1/nodes", { metadata: { name: `node-${zone}`, labels } });
    const status = { conditions: [{ type: "Ready", status: "True" }], allocatable: { cpu: "4" } };
    await admin("PATCH", `/api/v1/nodes/node-${zone}/status`, { status });
  }
}

/** A pod of Kubernetes' whose server is in this process, at its own address. This is its kubelet, too. */
export class Pod {
  readonly address: string;
  readonly backend: ConnectEchoBackend;
  readonly #name: string;
  readonly #host: string;

  private constructor(service: string, host: string, backend: ConnectEchoBackend) {
    this.#name = `${service}-${host.replaceAll(".", "-")}`;
    this.#host = host;
    this.backend = backend;
    this.address = `${host}:${port}`;
  }

  /** Its server listens, and Kubernetes knows of it; it is not ready. */
  static async create(service: string, index: number): Promise<Pod> {
    const host = `10.244.0.${10 + index}`;
    const pod = new Pod(service, host, await startConnectEcho({ host, port }));
    const spec = { nodeName: `node-${zones[index % 2]}`, containers: [{ name: "echo", image: "echo" }] };
    await admin("POST", `${core}/pods`, { metadata: { name: pod.#name, labels: { app: service } }, spec });
    return pod;
  }

  static async ready(service: string, index: number): Promise<Pod> {
    const pod = await Pod.create(service, index);
    await pod.becomeReady();
    return pod;
  }

  async becomeReady(isReady = true): Promise<void> {
    const ready = { type: "Ready", status: isReady ? "True" : "False" };
    const status = { phase: "Running", podIP: this.#host, podIPs: [{ ip: this.#host }], conditions: [ready] };
    await admin("PATCH", `${core}/pods/${this.#name}/status`, { status });
  }

  /** Kubernetes says that it terminates; its server goes on. */
  async terminate(): Promise<void> {
    await admin("DELETE", `${core}/pods/${this.#name}`);
  }

  /** It is gone, in good order. */
  async remove(): Promise<void> {
    const backendGone = this.backend.shutDownGracefully();
    await admin("DELETE", `${core}/pods/${this.#name}?gracePeriodSeconds=0`).catch(() => undefined);
    await backendGone;
  }

  /** It dies without a word. */
  async die(): Promise<void> {
    await this.backend.close();
    await admin("DELETE", `${core}/pods/${this.#name}?gracePeriodSeconds=0`).catch(() => undefined);
  }
}
