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

/** A pod as Kubernetes knows it. This is its kubelet, too. */
export class ClusterPod {
  readonly #service: string;
  readonly #host: string;
  readonly #path: string;

  constructor(service: string, host: string) {
    this.#service = service;
    this.#host = host;
    this.#path = `${core}/pods/${this.#name}`;
  }

  get #name(): string {
    return `${this.#service}-${this.#host.replaceAll(".", "-")}`;
  }

  /** It is there, in one zone or the other, and not ready. */
  async create(): Promise<void> {
    const zone = zones[Number(this.#host.split(".").at(-1)) % zones.length];
    const spec = { nodeName: `node-${zone}`, containers: [{ name: "echo", image: "echo" }] };
    await admin("POST", `${core}/pods`, { metadata: { name: this.#name, labels: { app: this.#service } }, spec });
  }

  async becomeReady(): Promise<void> {
    const ready = { type: "Ready", status: "True" };
    const status = { phase: "Running", podIP: this.#host, podIPs: [{ ip: this.#host }], conditions: [ready] };
    await admin("PATCH", `${this.#path}/status`, { status });
  }

  /** It terminates. */
  async terminate(): Promise<void> {
    await admin("DELETE", this.#path);
  }

  /** Its last process has ended, or its node says so: it is gone. It may be gone already. */
  async remove(): Promise<void> {
    await admin("DELETE", `${this.#path}?gracePeriodSeconds=0`).catch(() => undefined);
  }
}

/** A pod whose server is in this process, at its own address. */
export class Pod {
  readonly address: string;
  readonly backend: ConnectEchoBackend;
  readonly #pod: ClusterPod;

  private constructor(pod: ClusterPod, host: string, backend: ConnectEchoBackend) {
    this.#pod = pod;
    this.backend = backend;
    this.address = `${host}:${port}`;
  }

  /** Its server listens, and Kubernetes knows of it; it is not ready. */
  static async create(service: string, index: number): Promise<Pod> {
    const host = `10.244.0.${10 + index}`;
    const pod = new ClusterPod(service, host);
    const backend = await startConnectEcho({ host, port });
    await pod.create();
    return new Pod(pod, host, backend);
  }

  static async ready(service: string, index: number): Promise<Pod> {
    const pod = await Pod.create(service, index);
    await pod.becomeReady();
    return pod;
  }

  becomeReady(): Promise<void> {
    return this.#pod.becomeReady();
  }

  /** Kubernetes says that it terminates; its server goes on. */
  terminate(): Promise<void> {
    return this.#pod.terminate();
  }

  /** It is gone, in good order. */
  async remove(): Promise<void> {
    const backendGone = this.backend.shutDownGracefully();
    await this.#pod.remove();
    await backendGone;
  }

  /** It dies without a word. */
  async die(): Promise<void> {
    await this.backend.close();
    await this.#pod.remove();
  }
}
