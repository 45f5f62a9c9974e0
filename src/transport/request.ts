import type { CallRequest } from "../calls/call.ts";
import { callOptionsOf } from "../calls/call-options.ts";
import { checkSize, metadataOf, readMetadata } from "../protocol/metadata.ts";
import type { CallEnvironment, CallInput } from "./environment.ts";
import type { MethodInfo } from "./method-info.ts";

/**
 * One call's request, from what the caller gave. The caller's headers are read now: a later change of them does not
 * reach the wire. Throws a ConnectError with InvalidArgument for a header or a call option that cannot be used.
 */
export function requestOf(
  environment: CallEnvironment,
  method: MethodInfo,
  input: CallInput,
  deadlineMs: number,
): CallRequest {
  const { contextValues, path, header, fieldsRead } = input;
  const { codec } = environment;
  const { ownNames } = codec.protocol;
  const metadata = fieldsRead === undefined ? readMetadata(header, ownNames) : metadataOf(fieldsRead, ownNames);
  checkSize(metadata, path);
  const { fields, userAgent } = metadata;
  // Interceptors see the user agent that would be sent, and pass it on: the method's own head, which is encoded already.
  const ownHead = path === undefined && (userAgent === undefined || userAgent === codec.userAgent);
  return {
    method,
    head: ownHead ? method.head : codec.head(method, path ?? method.head.path, userAgent),
    metadata: fields,
    contextValues,
    options: callOptionsOf(contextValues),
    deadlineMs,
    trace: undefined,
    body: undefined,
  };
}
