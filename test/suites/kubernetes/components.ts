import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Programs } from "../../support/programs.ts";

const version = "v1.36.3";
const source = join(import.meta.dirname, "cluster");
const program = join(import.meta.dirname, `../../../.cache/go/kubernetes-${version}/cluster`);

export function clusterIsBuilt(): boolean {
  return existsSync(program);
}

/** Builds the API server, etcd and the controllers from Go modules, once: many minutes without Go's own cache, seconds with it. */
export function buildCluster(): void {
  if (!clusterIsBuilt()) {
    console.log(`building kube-apiserver ${version} and etcd: minutes, once`);
    const set = `-X k8s.io/component-base/version`;
    const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
    const flags = `-s -w ${set}.gitVersion=${version} ${set}.gitMajor=${major} ${set}.gitMinor=${minor}`;
    execFileSync("go", ["build", "-p", "2", "-trimpath", "-mod=mod", "-ldflags", flags, "-o", program, "."], {
      cwd: source,
      env: { ...process.env, CGO_ENABLED: "0" },
      stdio: "inherit",
    });
  }
}

/** The right to do anything. */
export const adminToken = randomUUID();

/** Two API servers over one etcd: clients are given the first, which may be killed; controllers and tests use the second. */
const ports = { etcd: 2379, clients: 6443, control: 6444 };

/** A control plane. It runs where the pods' addresses are this machine's own: in a network namespace. */
export class ControlPlane {
  readonly #programs = new Programs();
  readonly #folder: string;
  #clients: Awaited<ReturnType<Programs["start"]>> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    writeFileSync(this.#path("account.key"), privateKey.export({ type: "pkcs1", format: "pem" }));
    writeFileSync(this.#path("account.pub"), publicKey.export({ type: "spki", format: "pem" }));
    writeFileSync(this.#path("tokens.csv"), `${adminToken},admin,admin,system:masters\n`);
  }

  /** The authority of the server that clients are given. */
  get caPath(): string {
    return this.#path("pki-clients/apiserver.crt");
  }

  /** Starts all of it; this process is then one of the cluster, as far as it concerns where its API server is. */
  async start(): Promise<void> {
    const etcd = `http://127.0.0.1:${ports.etcd}`;
    const peers = "http://127.0.0.1:2380";
    const flags = [`--data-dir=${this.#path("etcd")}`, "--unsafe-no-fsync", "--log-level=error"];
    const urls = [`--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`];
    const ring = [`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`];
    const members = `--initial-cluster=default=${peers}`;
    await this.#programs.start(program, ["etcd", ...flags, ...urls, ...ring, members], ports.etcd);
    await this.#startServer("control", ports.control);
    await this.startClientsServer();
    writeFileSync(
      this.#path("kubeconfig"),
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "c",
        contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
        clusters: [
          { name: "c", cluster: { server: `https://127.0.0.1:${ports.control}`, "insecure-skip-tls-verify": true } },
        ],
        users: [{ name: "u", user: { token: adminToken } }],
      }),
    );
    await this.#programs.start(
      program,
      [
        "controller-manager",
        `--kubeconfig=${this.#path("kubeconfig")}`,
        "--controllers=endpointslice-controller",
        "--leader-elect=false",
        "--secure-port=10257",
        "--bind-address=127.0.0.1",
        `--cert-dir=${this.#path("pki-controllers")}`,
        `--service-account-private-key-file=${this.#path("account.key")}`,
      ],
      10_257,
    );
    process.env.KUBERNETES_SERVICE_HOST = "127.0.0.1";
    process.env.KUBERNETES_SERVICE_PORT = String(ports.clients);
  }

  async startClientsServer(): Promise<void> {
    this.#clients = await this.#startServer("clients", ports.clients);
  }

  killClientsServer(): void {
    this.#clients?.kill("SIGKILL");
  }

  close(): Promise<void> {
    return this.#programs.close();
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  async #startServer(name: string, port: number) {
    const child = await this.#programs.start(
      program,
      [
        "apiserver",
        `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
        `--cert-dir=${this.#path(`pki-${name}`)}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${port}`,
        "--advertise-address=10.244.0.1",
        `--token-auth-file=${this.#path("tokens.csv")}`,
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${this.#path("account.pub")}`,
        `--service-account-signing-key-file=${this.#path("account.key")}`,
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
      ],
      port,
    );
    while ((await admin("GET", "/readyz", undefined, port).catch(() => "")) !== "ok") await sleep(100);
    return child;
  }
}

/** Asks an API server with all rights. Rejects with its words where it refuses. */
export function admin(method: string, path: string, body?: object, port = ports.control): Promise<unknown> {
  const patch = method === "PATCH" ? "application/strategic-merge-patch+json" : "application/json";
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${adminToken}`, "content-type": patch };
    request({ host: "127.0.0.1", port, path, method, headers, rejectUnauthorized: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => {
        if ((response.statusCode ?? 500) >= 300) reject(new Error(`${method} ${path}: ${text.slice(0, 300)}`));
        else resolve(text.startsWith("{") ? JSON.parse(text) : text);
      });
    })
      .on("error", reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}
