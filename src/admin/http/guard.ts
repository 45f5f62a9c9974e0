import { type AdminReply, type AdminRequest, plainReply } from "./exchange.ts";

/** Why a request is refused, as the answer to it; undefined: it is not. */
export function refusal(request: AdminRequest, hosts: ReadonlySet<string>): AdminReply | undefined {
  const { method, header } = request;
  if (method !== "GET" && method !== "HEAD") {
    return plainReply(405, "This page only shows: GET and HEAD.", { allow: "GET, HEAD" });
  }
  if (!isAllowedHost(header("host") ?? header(":authority"), hosts)) {
    return plainReply(403, "This name is not in the page's option hosts: use localhost or an IP address.");
  }
  if (header("sec-fetch-site") === "cross-site" && !isNavigation(request)) {
    return plainReply(403, "Other sites may link to this page, and no more.");
  }
  return undefined;
}

/** Somebody follows a link of another site, a runbook say: that site sees nothing of the answer. */
function isNavigation({ header }: AdminRequest): boolean {
  return header("sec-fetch-mode") === "navigate" && header("sec-fetch-dest") === "document";
}

const ipv4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const ipv6 = /^\[[0-9a-f:.]+\]$/;

/**
 * Against DNS rebinding, by which a site's own name comes to mean this process: an IP address in `Host` was never looked
 * up, and browsers look up `localhost` nowhere.
 */
function isAllowedHost(host: string | undefined, hosts: ReadonlySet<string>): boolean {
  const name = host?.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
  if (name === undefined) return false;
  return name === "localhost" || name.endsWith(".localhost") || ipv4.test(name) || ipv6.test(name) || hosts.has(name);
}
