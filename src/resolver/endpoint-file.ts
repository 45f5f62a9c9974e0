import { checkNames, checkObject, describeValue, quoted } from "../base/check.ts";
import { parseAddress } from "../endpoint/address.ts";
import {
  type Attributes,
  checkAttributes,
  endpointHashKey,
  endpointHostname,
  endpointPriority,
  endpointWeight,
  endpointZone,
  noAttributes,
} from "../endpoint/attributes.ts";
import { checkEndpoint, type Endpoint } from "../endpoint/endpoint.ts";

const fieldNames = ["address", "addresses", "weight", "zone", "priority", "hostname", "hashKey"] as const;

/** What one entry of a file may say. */
type Entry = Partial<Record<(typeof fieldNames)[number], unknown>>;

/** Some editors begin a file with it, and JSON has no place for it. */
const byteOrderMark = /^\uFEFF/;

/**
 * Reads `{ "endpoints": [{ "address": "10.0.0.1:50051", "weight": 1, "zone": "a", "priority": 0 }] }`. Throws an error that
 * says where it is wrong: by line and column where it is no JSON, else by the entry and its field.
 */
export function readEndpointFile(text: string, defaultPort: number): readonly Endpoint[] {
  const content = parseJson(text.replace(byteOrderMark, ""));
  checkObject("the file", content as object, 'an object like {"endpoints": ["10.0.0.1:50051"]}');
  checkNames("the file", content as object, ["endpoints"]);
  const { endpoints } = content as { endpoints?: unknown };
  if (!Array.isArray(endpoints)) throw new TypeError(`endpoints must be a list, not ${describeValue(endpoints)}`);
  if (endpoints.length === 0) throw new TypeError("endpoints is empty");
  return endpoints.map((entry, i) => {
    try {
      return endpointOf(entry, defaultPort);
    } catch (error) {
      throw new TypeError(`endpoints[${i}]: ${(error as Error).message}`, { cause: error });
    }
  });
}

function endpointOf(entry: unknown, defaultPort: number): Endpoint {
  if (typeof entry === "string") return { addresses: [parseAddress(entry, defaultPort)], attributes: noAttributes };
  checkObject("an entry", entry as object, 'an address or an object like {"address": "10.0.0.1:50051"}');
  const given = entry as Entry;
  checkNames("an entry", given, fieldNames);
  const { address, addresses } = given;
  if ((address === undefined) === (addresses === undefined)) {
    throw new TypeError('give "address", or "addresses" of one backend that can be reached in several ways');
  }
  if (addresses !== undefined && !Array.isArray(addresses)) {
    throw new TypeError(`addresses must be a list, not ${describeValue(addresses)}`);
  }
  const texts: unknown[] = addresses ?? [address];
  const attributes = attributesOf(given);
  checkAttributes(attributes);
  return checkEndpoint({
    addresses: texts.map((text) => {
      if (typeof text !== "string") throw new TypeError(`an address must be a text, not ${describeValue(text)}`);
      return parseAddress(text, defaultPort);
    }),
    attributes,
  });
}

/** Their values are checked as those of any resolver. */
function attributesOf({ weight, zone, priority, hostname, hashKey }: Entry): Attributes {
  let attributes = noAttributes;
  if (weight !== undefined) attributes = attributes.with(endpointWeight, weight as number);
  if (zone !== undefined) attributes = attributes.with(endpointZone, zone as string);
  if (priority !== undefined) attributes = attributes.with(endpointPriority, priority as number);
  if (hostname !== undefined) attributes = attributes.with(endpointHostname, hostname as string);
  if (hashKey !== undefined) attributes = attributes.with(endpointHashKey, hashKey as string);
  return attributes;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const before = text.slice(0, placeOfError(text));
    const lines = before.split("\n");
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
    const what = text.slice(before.length, before.length + 1);
    const found = what === "" ? "it ends too early" : `${quoted(what)} is not expected there`;
    throw new SyntaxError(`the file is no JSON, at ${place}: ${found}`, { cause: error });
  }
}

/** Not every version of Node tells it: the longest beginning that may still become JSON. */
function placeOfError(text: string): number {
  let good = 0;
  let bad = text.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (mayBecomeJson(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function mayBecomeJson(beginning: string): boolean {
  try {
    JSON.parse(beginning);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const position = /at position (\d+)/.exec(message)?.[1];
    return /^Unexpected end|^Unterminated string/.test(message) || Number(position) >= beginning.length;
  }
}
