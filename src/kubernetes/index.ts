export { kubernetesResolver } from "./kubernetes-resolver.ts";
export type { KubernetesResolverOptions } from "./options.ts";
