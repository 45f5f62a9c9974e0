import { once } from "node:events";
import { ClusterPod } from "../test/suites/kubernetes/pods.ts";
import type { Backend } from "./fleet.ts";
import type { Listing } from "./listing.ts";

/** The pods of a Service of Kubernetes': each backend is one. This is their kubelet, too. */
export class PodListing implements Listing {
  readonly #service: string;
  readonly #pods = new Map<Backend, ClusterPod>();

  constructor(service: string) {
    this.#service = service;
  }

  async publish(listed: readonly Backend[]): Promise<void> {
    const coming = listed.filter((backend) => !this.#pods.has(backend));
    const leaving = [...this.#pods].filter(([backend]) => !listed.includes(backend));
    for (const backend of coming) this.#pods.set(backend, new ClusterPod(this.#service, backend.host));
    for (const [backend] of leaving) this.#pods.delete(backend);
    await Promise.all([...coming.map((one) => this.#ready(one)), ...leaving.map((one) => this.#terminate(...one))]);
  }

  async #ready(backend: Backend): Promise<void> {
    const pod = this.#pods.get(backend);
    await pod?.create();
    await pod?.becomeReady();
  }

  async #terminate({ process }: Backend, pod: ClusterPod): Promise<void> {
    // Its server is told to end at the same time.
    const exited = once(process, "exit");
    await pod.terminate();
    await exited;
    await pod.remove();
  }
}
