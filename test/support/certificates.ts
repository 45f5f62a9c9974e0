import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsIdentity } from "./echo-server.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "certs", name), "utf8");
const identity = (name: string): TlsIdentity => ({ cert: read(`${name}.pem`), key: read(`${name}.key.pem`) });

/** The authority that signed the identities below. */
export const ca = read("ca.pem");

/** An authority that signed none of them. */
export const otherCa = read("other-ca.pem");

/** A server named `echo.test` and `svc.test`. It has no IP address in its certificate. */
export const serverIdentity = identity("server");

/** A server named `echo.test` until 2020, which is its own authority. */
export const expiredIdentity = identity("expired");

/** A server named `other.test`. */
export const wrongNameIdentity = identity("wrong-name");

/** A server whose name, which begins with `h0stile`, is what a terminal obeys. It is its own authority. */
export const hostileIdentity = identity("hostile");

/** A client, for mTLS. */
export const clientIdentity = identity("client");

/** A server at 127.0.0.1 that is its own authority. */
export const apiServerIdentity = identity("api-server");

/** Another one. */
export const otherApiServerIdentity = identity("api-server-2");
