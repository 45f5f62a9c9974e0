import { base64Decode } from "@bufbuild/protobuf/wire";
import { Code } from "@connectrpc/connect";

/** An error as the Connect protocol has it in JSON. */
export interface ConnectJsonError {
  readonly code: Code;
  readonly message: string;
  readonly details: readonly { readonly type: string; readonly value: Uint8Array<ArrayBuffer> }[];
}

/**
 * Reads an error, whose code is `otherwise` where it says none that is known. Undefined: the value is no error of Connect's.
 * What is broken in its details leaves them out, and hides nothing else.
 */
export function readErrorJson(json: unknown, otherwise: Code): ConnectJsonError | undefined {
  if (!isObject(json)) return undefined;
  const { code, message, details } = json;
  if (message !== undefined && message !== null && typeof message !== "string") return undefined;
  return {
    code: codeNamed(code) ?? otherwise,
    message: typeof message === "string" ? message : "",
    details: Array.isArray(details) ? details.flatMap(readDetail) : [],
  };
}

/** By its name on the wire: that of the enum, in snake case. */
function codeNamed(name: unknown): Code | undefined {
  const isNamed = ([key]: [string, unknown]) => key.replace(/(?<!^)[A-Z]/g, "_$&").toLowerCase() === name;
  const code = Object.entries(Code).find(isNamed)?.[1];
  return typeof code === "number" ? code : undefined;
}

/** The JSON value of some bytes; undefined where they are none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readDetail(json: unknown): ConnectJsonError["details"] {
  if (!isObject(json)) return [];
  const { type, value } = json;
  if (typeof type !== "string" || typeof value !== "string") return [];
  try {
    return [{ type, value: new Uint8Array(base64Decode(value)) }];
  } catch {
    return [];
  }
}
