import { Code } from "@connectrpc/connect";
import { peerText } from "../base/peer-text.ts";

/** gRPC's code for an HTTP status without a status of its own (http-grpc-status-mapping.md); Connect's table is the same. */
export function codeFromHttpStatus(status: number): Code {
  switch (status) {
    case 400:
      return Code.Internal;
    case 401:
      return Code.Unauthenticated;
    case 403:
      return Code.PermissionDenied;
    case 404:
      return Code.Unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code.Unavailable;
    default:
      return Code.Unknown;
  }
}

/** What such an answer may come from, for those who read its error. `location`: where a redirect points to. */
export function httpStatusAdvice(status: number, location: string | undefined): string | undefined {
  switch (status) {
    case 301:
    case 302:
    case 307:
    case 308:
      return `a redirect to ${location === undefined ? "nowhere" : peerText(location)}, which is not followed`;
    case 404:
      return "nothing answers at this path; is baseUrl right, and does the server speak this protocol?";
    case 405:
      return "the server does not take this HTTP method here; with useHttpGet it has to know what is free of side effects";
    case 413:
      return "the message is longer than the server, or a proxy on the way, takes";
    case 415:
      return "the server does not take this content type; does it speak this protocol, and this format?";
    case 502:
    case 504:
      return "a proxy on the way got no answer of the server";
    case 503:
      return "the server, or a proxy on the way, takes no requests";
    default:
      return undefined;
  }
}
