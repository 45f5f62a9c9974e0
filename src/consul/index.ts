export { type ConsulResolverOptions, consulResolver } from "./consul.ts";
