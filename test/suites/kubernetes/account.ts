import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { admin } from "./components.ts";
import { namespace } from "./pods.ts";

const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
const name = "glink";

/** The service account of this process, as a pod has one: its Role is that of docs/kubernetes.md. */
export async function createAccount(caPath: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "ca.crt"), readFileSync(caPath));
  writeFileSync(join(folder, "namespace"), namespace);
  await admin("POST", accounts, { metadata: { name } });
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name };
  await admin("POST", `${rbac}/roles`, { metadata: { name }, rules: rulesOf("list", "watch") });
  await admin("POST", `${rbac}/rolebindings`, { metadata: { name }, subjects, roleRef });
  await mountToken();
}

/** What the account may do from now on. */
export async function allow(...verbs: string[]): Promise<void> {
  await admin("PUT", `${rbac}/roles/${name}`, { metadata: { name }, rules: rulesOf(...verbs) });
}

/** The token is replaced, and the one before is worth nothing any more. */
export async function rotateToken(): Promise<void> {
  await admin("DELETE", `${accounts}/${name}`);
  await admin("POST", accounts, { metadata: { name } });
  await mountToken();
}

async function mountToken(): Promise<void> {
  const answer = (await admin("POST", `${accounts}/${name}/token`, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { expirationSeconds: 600 },
  })) as { status: { token: string } };
  writeFileSync(join(folder, "token"), answer.status.token);
}

function rulesOf(...verbs: string[]): object[] {
  return [{ apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs }];
}
