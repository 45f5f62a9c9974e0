import type { Address } from "../../index.ts";

/** The text of an address, as glink writes it everywhere. */
export function formatPlace(address: Address): string {
  if ("path" in address) return `unix:${address.path}`;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
