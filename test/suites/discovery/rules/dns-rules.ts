import { groupOf, type RuleGroup } from "./rule.ts";

const srv = "unit/resolver/srv.test.ts";
const dns = "unit/resolver/dns-servers.test.ts";
const guard = "unit/pool/loss-guard.test.ts";
const failover = "unit/pool/failover.test.ts";
const race = "unit/subchannel/address-race.test.ts";

/** SRV records, both families, and answers that lack something. */
export const dnsRules: readonly RuleGroup[] = [
  groupOf("SRV records", "S", [
    {
      rule: "RFC 2782: priorities, weights, the port, and the addresses of the target",
      tests: [
        `${srv}: RFC 2782: ports, priorities and weights are the records', and addresses their targets'`,
        `${srv}: a hundred targets are looked up at once`,
      ],
    },
    {
      rule: "RFC 2782: a weight of 0 has a small chance",
      tests: [`${srv}: RFC 2782: ports, priorities and weights are the records', and addresses their targets'`],
      reason: "it counts as 1, which is the chance that the RFC's lot gives it",
    },
    {
      rule: 'RFC 2782: the target "." means that there is no service',
      tests: [
        `${srv}: RFC 2782: the target "." means that there is no service, with authority`,
        `${srv}: a target "." beside others is passed over`,
      ],
    },
    {
      rule: "A target with one address of each family is one backend",
      tests: [
        `${srv}: a target with an address of each family is one backend with both; one of many is many, which share its weight`,
      ],
    },
    {
      rule: "A target that cannot be looked up keeps its addresses, and holds back nobody",
      tests: [
        `${srv}: a target that cannot be looked up leaves the others in use, and keeps the addresses that it had`,
        `${srv}: a record with port 0 is an error and holds back nobody, and a target that is an address needs no lookup`,
        `${srv}: a server that refuses, and one that is silent, are passed over`,
        `${srv}: a name without records is an error that says how it was asked for`,
      ],
    },
    {
      rule: "TTLs of SRV records",
      tests: [`${srv}: what DNS seems to have lost is told again at the next lookup, so that it can be confirmed`],
      reason: "Node does not tell them: the shortest of the addresses' TTLs counts",
    },
  ]),
  groupOf("IPv4 and IPv6", "D", [
    {
      rule: "Both families are asked at once, and a silent one holds the other back for a moment only",
      tests: [
        `${dns}: \${silent} queries that are never answered hide nothing: the other records are used in a moment`,
        `${dns}: one family may fail as long as the other answers, whichever way it fails`,
      ],
    },
    {
      rule: "A pod is never counted twice: one family of a name serves, the other joins after 250 ms of silence",
      tests: [
        `${failover}: counts each backend once: the fallback is not even dialled while a preferred address works`,
        `${failover}: dials the fallback after 250 ms in which preferred addresses were silent`,
        "behaviour/integration/families.test.ts: counts once when both work",
      ],
    },
    {
      rule: "RFC 8305: the addresses of an endpoint are dialled 250 ms apart, families in turn, and one connection is kept",
      tests: [
        `${race}: is dialled at one more address every 250 ms, with IP versions in turn`,
        `${race}: is connected by whichever address is ready first: the others are given up, and late ones closed`,
      ],
    },
    {
      rule: "A family that is dead costs at most 250 ms",
      tests: [
        "behaviour/integration/families.test.ts: gets every call by IPv6 when IPv4 is a black hole, long before connectTimeoutMs",
        "behaviour/integration/families.test.ts: gets every call by IPv6 when nothing listens on IPv4, without a retry",
      ],
    },
  ]),
  groupOf("DNS that browns out", "B", [
    {
      rule: "An answer that lacks more than half of what works is believed when a second one agrees; what it adds is used at once",
      tests: [
        `${guard}: an answer that lacks more than half of what works is doubted: another lookup is asked for, and all serve meanwhile`,
        `${guard}: a second answer that agrees is believed, and its new backends did not wait for that`,
        `${guard}: a second answer that has them again leaves every connection as it was`,
        `${guard}: half of the pool may go at once, and so may what does not work`,
      ],
    },
    {
      rule: "What still answers stays meanwhile, and is shown as stale",
      tests: [`${guard}: a stale backend that stops working leaves at once, and is not dialled again`],
    },
    {
      rule: "Off by option, and for resolvers that know",
      tests: [`${guard}: a resolver that does not ask for it is believed at once`],
    },
  ]),
];
