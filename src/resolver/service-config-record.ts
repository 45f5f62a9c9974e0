import { checkObject, describeValue } from "../base/check.ts";

/** Who asks: what the choices of a record may be for (gRFC A2). */
export interface ConfigClient {
  readonly hostname: string;
  /** 0 to 100, below 100: which share of the clients this one is in. One roll for each. */
  readonly percent: number;
}

/** How gRPC's clients on Node call themselves. */
const language = "node";

const prefix = "grpc_config=";

/**
 * The service config that TXT records have for a client: the first of their choices that is for it, or undefined. A record
 * comes in pieces. Throws an error that says what is wrong with a record.
 */
export function configOfRecords(records: readonly (readonly string[])[], client: ConfigClient): object | undefined {
  for (const pieces of records) {
    const text = pieces.join("");
    if (!text.startsWith(prefix)) continue;
    const choices: unknown = JSON.parse(text.slice(prefix.length));
    if (!Array.isArray(choices)) throw new TypeError(`it must be a list of choices, not ${describeValue(choices)}`);
    const choice = choices.map(checkChoice).find((one) => isFor(one, client));
    if (choice !== undefined) return choice.serviceConfig;
  }
  return undefined;
}

interface Choice {
  readonly clientLanguage: readonly string[];
  readonly clientHostname: readonly string[];
  readonly percentage: number;
  readonly serviceConfig: object;
}

function checkChoice(given: unknown, i: number): Choice {
  const choice = checkObject(`choice ${i}`, given as Partial<Choice>);
  const { percentage = 100 } = choice;
  if (typeof percentage !== "number" || !(percentage >= 0 && percentage <= 100)) {
    throw new RangeError(`percentage of choice ${i} must be from 0 to 100, not ${describeValue(percentage)}`);
  }
  return {
    clientLanguage: listOf(`clientLanguage of choice ${i}`, choice.clientLanguage),
    clientHostname: listOf(`clientHostname of choice ${i}`, choice.clientHostname),
    percentage,
    serviceConfig: checkObject(`serviceConfig of choice ${i}`, choice.serviceConfig as object),
  };
}

function listOf(name: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new TypeError(`${name} must be a list, not ${describeValue(value)}`);
  return value.map(String);
}

function isFor({ clientLanguage, clientHostname, percentage }: Choice, { hostname, percent }: ConfigClient): boolean {
  const isOurs = clientLanguage.length === 0 || clientLanguage.some((one) => one.toLowerCase() === language);
  return isOurs && (clientHostname.length === 0 || clientHostname.includes(hostname)) && percent < percentage;
}
