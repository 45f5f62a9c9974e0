/** One RPC method, as everything beneath a transport's face sees it: no descriptor and no message type. */
export interface MethodSpec {
  /** The full name of its service, `package.Service`. */
  readonly service: string;
  /** Its own name, `Method`. */
  readonly name: string;
  /** Exactly one request message: unary and server-streaming. It travels with END_STREAM. */
  readonly singleRequest: boolean;
  /** Exactly one response message: unary and client-streaming. Such calls commit when its status has come. */
  readonly singleResponse: boolean;
  /** What the proto declares as `idempotency_level`. */
  readonly idempotency: "unknown" | "idempotent" | "no-side-effects";
}

/** `package.Service/Method`. */
export function methodName({ service, name }: MethodSpec): string {
  return `${service}/${name}`;
}
