import { isIP } from "node:net";
import { checkFields, checkNumber, checkText, described } from "../check.ts";
import { type DnsAnswer, type RecordType, recordTypes, type ServiceRecord } from "./dns-answer.ts";
import { isDnsName } from "./dns-message.ts";

const answerFields = ["addresses", "services", "texts", "ttlSeconds", "alias", "error", "silent", "delayMs"];
const serviceFields = ["target", "port", "priority", "weight"];
const errors = ["SERVFAIL", "NXDOMAIN", "REFUSED"];
const uint16 = { min: 0, max: 65_535, integer: true };
const int31 = { min: 0, max: 2 ** 31 - 1, integer: true };

export function checkHost(host: string): void {
  if (isIP(host) === 0) throw new TypeError(`host must be an IP address, not ${described(host)}`);
}

export function checkName(what: string, name: string): void {
  if (typeof name !== "string" || !isDnsName(name))
    throw new TypeError(`${what} must be one that DNS can carry, like "echo.test", and is ${described(name)}`);
}

export function checkType(type: RecordType | undefined): void {
  if (type !== undefined && !recordTypes.includes(type))
    throw new TypeError(`the type of records must be one of ${recordTypes.join(", ")}, not ${described(type)}`);
}

/** Throws a TypeError or RangeError that names the field of the answer for `name`. */
export function checkAnswer(name: string, answer: DnsAnswer): void {
  const given = checkFields(`the answer for ${name}`, answer, answerFields);
  const { addresses = [], services = [], texts = [], ttlSeconds, alias, error, silent, delayMs } = given;
  for (const [field, list] of Object.entries({ addresses, services, texts })) {
    if (!Array.isArray(list)) throw new TypeError(`${field} must be a list, not ${described(list)}`);
  }
  for (const address of addresses) {
    if (typeof address !== "string" || isIP(address) === 0)
      throw new TypeError(`addresses must be IP addresses without ports, and one is ${described(address)}`);
  }
  for (const service of services) checkService(service);
  for (const text of texts) checkText("each of texts", text);
  if (ttlSeconds !== undefined) checkNumber("ttlSeconds", ttlSeconds, int31);
  if (delayMs !== undefined) checkNumber("delayMs", delayMs, int31);
  if (alias !== undefined) checkName("alias", alias);
  if (silent !== undefined && typeof silent !== "boolean")
    throw new TypeError(`silent must be true or false, not ${described(silent)}`);
  if (error !== undefined && !errors.includes(error))
    throw new TypeError(`error must be one of ${errors.join(", ")}, not ${described(error)}`);
}

function checkService(service: ServiceRecord): void {
  const { target, port, priority = 0, weight = 0 } = checkFields("each of services", service, serviceFields);
  checkName("the target of a service", target);
  for (const [field, value] of Object.entries({ port, priority, weight }))
    checkNumber(`${field} of a service`, value, uint16);
}
