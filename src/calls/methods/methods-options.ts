import { checkBoolean, checkNames, checkNumber, checkObject, longestMs } from "../../base/check.ts";
import { checkHedgingOptions } from "../hedging/hedging-options.ts";
import { checkRetryOptions, type RetryOptions } from "../retry/retry-options.ts";
import type { MethodConfig, MethodRetry } from "./method-config.ts";

/** By `package.Service`, or by `package.Service/Method`, which may be written `package.Service.Method`. */
export type MethodConfigs = Readonly<Record<string, MethodConfig>>;

/** Fields of the transport's `retry` that hold for all of its calls together. */
const transportOnly = ["budget", "bufferTotalMaxBytes"] as const;

/** Returns a copy, or throws an error that names the entry, the field and the range. */
export function checkMethods(given: MethodConfigs): MethodConfigs {
  checkObject("methods", given);
  return Object.fromEntries(
    Object.entries(given).map(([key, config]) => {
      const name = `methods[${JSON.stringify(key)}]`;
      if (!/^[\w.]+(\/\w+)?$/.test(key)) {
        throw new TypeError(`${name}: a name is "package.Service" or "package.Service/Method"`);
      }
      return [key, checkMethodConfig(name, config)];
    }),
  );
}

function checkMethodConfig(name: string, given: MethodConfig): MethodConfig {
  checkNames(name, checkObject(name, given), ["timeoutMs", "waitForReady", "retry", "hedging"]);
  const { timeoutMs, waitForReady, retry, hedging } = given;
  if (timeoutMs !== undefined) checkNumber(`${name}.timeoutMs`, timeoutMs, { min: 1, max: longestMs });
  if (waitForReady !== undefined) checkBoolean(`${name}.waitForReady`, waitForReady);
  if (retry !== undefined && retry !== false) checkOwnRetry(`${name}.retry`, retry);
  if (hedging !== undefined && hedging !== false) checkHedgingOptions(`${name}.hedging`, hedging);
  const copy = <T extends object>(fields: false | T | undefined) =>
    typeof fields === "object" ? { ...fields } : fields;
  return Object.freeze({ timeoutMs, waitForReady, retry: copy(retry), hedging: copy(hedging) });
}

/** Of a method or a call: throws an error that names the field. */
export function checkOwnRetry(name: string, retry: MethodRetry): void {
  checkRetryOptions(retry, undefined, name);
  for (const field of transportOnly) {
    if ((retry as Partial<RetryOptions>)[field] !== undefined) {
      throw new TypeError(`${name}.${field} is an option of the transport, and not of one method or call`);
    }
  }
}
