import { describeValue } from "../base/check.ts";

/** One line of a log: plain fields and a message, as pino has it. Console-like loggers without fields ignore them. */
export type LogFunction = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** Where a transport writes what an operator should know. One per transport, never global. */
export interface Logger {
  /** Single attempts, dials and connections. */
  readonly debug: LogFunction;
  /** Changes of the pool in good order. */
  readonly info: LogFunction;
  /** What an operator should look at: hints, what fails for the first time, calls that were cut. */
  readonly warn: LogFunction;
  /** No line has this level: what fails for good is the error of a call, and its caller has it. */
  readonly error: LogFunction;
}

const levels = ["debug", "info", "warn", "error"] as const;

/** Returns the logger, or console from info on for `true`. Throws a TypeError that names what is missing. */
export function checkLogger(logger: Logger | true): Logger {
  if (logger === true) return consoleLogger();
  if (typeof logger !== "object" || logger === null) {
    throw new TypeError(`logger must be true or an object with ${levels.join(", ")}, not ${describeValue(logger)}`);
  }
  for (const level of levels) {
    if (typeof logger[level] !== "function")
      throw new TypeError(`logger.${level} must be a function (fields, message)`);
  }
  return logger;
}

function consoleLogger(): Logger {
  const at =
    (level: (typeof levels)[number]): LogFunction =>
    (fields, message) =>
      console[level]("glink %s: %s", fields.target, message, fields);
  // Each failed attempt is a debug line: NODE_DEBUG=glink shows those.
  return { debug: () => undefined, info: at("info"), warn: at("warn"), error: at("error") };
}
