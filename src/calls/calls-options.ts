import { checkBoolean, checkNumber, checkObject, definedFields, orDefault } from "../base/check.ts";
import { type AdmissionOptions, checkAdmissionOptions } from "./guards/admission-options.ts";
import { checkHedgingOptions, type HedgingOptions } from "./hedging/hedging-options.ts";
import type { MethodConfig, MethodRetry } from "./methods/method-config.ts";
import { checkMethods, type MethodConfigs } from "./methods/methods-options.ts";
import { type ParsedServiceConfig, parseServiceConfig, type ServiceConfig } from "./methods/service-config.ts";
import { checkRetryOptions, type RetryOptions, retryBudgetDefaults, retryDefaults } from "./retry/retry-options.ts";

/** What `retry` takes: the fields that differ from the defaults. */
export type RetryInit = Partial<Omit<RetryOptions, "budget">> & {
  /** What retries may cost, over all calls; `false`: nothing holds them back. */
  readonly budget?: Partial<Exclude<RetryOptions["budget"], false>> | false;
};

/** What holds for every call unless it says otherwise. */
export interface CallsInit {
  /**
   * How failed calls are repeated; `false`: exactly one attempt. Default 3 attempts on Unavailable and DeadlineExceeded.
   * gRFC A6.
   */
  retry?: RetryInit | false;
  /** `true`: calls wait through transient failure until their deadline. Default `false`: they fail fast. */
  waitForReady?: boolean;
  /**
   * A call that is not answered in time is sent to a second backend too, and the first answer counts; `{}`: with the
   * defaults of its fields. Methods that are not declared idempotent are left out, and so are streams of requests. A call
   * that hedges is not retried by policy. Default `false`. gRFC A6.
   */
  hedging?: Partial<HedgingOptions> | false;
  /**
   * What differs by service (`"package.Service"`) or method (`"package.Service/Method"`): `timeoutMs`, `waitForReady`,
   * `retry`, `hedging`. Default: none.
   */
  methods?: MethodConfigs;
  /**
   * gRPC's service config, an object or JSON text: what it says of methods holds where `methods` says nothing. Default: none.
   * gRFC A2, A6, A21.
   */
  serviceConfig?: ServiceConfig | string;
  /**
   * More calls at once than this fail with ResourceExhausted, and are never sent. Default `Infinity`, from 1 to
   * 1 000 000 000. gRFC A32.
   */
  maxOpenCalls?: number;
  /**
   * Calls are dropped with ResourceExhausted, and never sent, while servers refuse most of them; `{}`: with the defaults of
   * its fields. Default `false`.
   */
  admission?: Partial<AdmissionOptions> | false;
  /**
   * The largest message that a call may receive, before and after it is decompressed; beyond: ResourceExhausted. Default
   * 4 294 967 295, from 1 to 4 294 967 295.
   */
  readMaxBytes?: number;
}

export interface CallsSettings {
  readonly retry: RetryOptions | false;
  readonly waitForReady: boolean;
  readonly hedging: HedgingOptions | false;
  readonly methods: MethodConfigs | undefined;
  readonly serviceConfig: ParsedServiceConfig | undefined;
  readonly maxOpenCalls: number;
  readonly admission: AdmissionOptions | false;
  readonly readMaxBytes: number;
  /** What of these was given for the calls of all methods. */
  readonly ofAllMethods: MethodConfig;
}

/** The largest message gRPC's length prefix can announce. */
export const messageMaxBytes = 0xffffffff;

export const callsDefaults: Omit<CallsSettings, "methods" | "serviceConfig" | "ofAllMethods"> = Object.freeze({
  retry: retryDefaults,
  waitForReady: false,
  hedging: false,
  maxOpenCalls: Number.POSITIVE_INFINITY,
  admission: false,
  readMaxBytes: messageMaxBytes,
});

export function checkCallsOptions(given: CallsInit): CallsSettings {
  const { retry, waitForReady, hedging, methods, serviceConfig, maxOpenCalls, admission, readMaxBytes } = given;
  return {
    retry: retry === false ? false : checkRetry(orDefault(retry, {})),
    waitForReady: checkBoolean("waitForReady", orDefault(waitForReady, callsDefaults.waitForReady)),
    hedging: hedging === undefined || hedging === false ? false : checkHedgingOptions("hedging", hedging),
    methods: methods === undefined ? undefined : checkMethods(methods),
    serviceConfig: serviceConfig === undefined ? undefined : parseServiceConfig(serviceConfig),
    maxOpenCalls: checkNumber("maxOpenCalls", orDefault(maxOpenCalls, callsDefaults.maxOpenCalls), {
      min: 1,
      max: 1_000_000_000,
      integer: true,
      infinity: "no limit",
    }),
    admission: admission === undefined || admission === false ? false : checkAdmissionOptions(admission),
    readMaxBytes: checkNumber("readMaxBytes", orDefault(readMaxBytes, callsDefaults.readMaxBytes), {
      min: 1,
      max: messageMaxBytes,
      integer: true,
    }),
    ofAllMethods: {
      retry: retry === false ? false : (definedFields(retry ?? {}) as MethodRetry),
      waitForReady,
      hedging,
    },
  };
}

function checkRetry(retry: RetryInit): RetryOptions {
  checkObject("retry", retry, "false or an object");
  const { budget, ...rest } = retry;
  if (budget === undefined) return checkRetryOptions(rest);
  if (budget === false) return checkRetryOptions({ ...rest, budget });
  checkObject("retry.budget", budget, "false or an object");
  return checkRetryOptions({ ...rest, budget: { ...retryBudgetDefaults, ...definedFields(budget) } });
}
