import { groupOf, type RuleGroup } from "./rule.ts";

const consul = "unit/consul/consul.test.ts";
const file = "unit/resolver/file.test.ts";
const watchList = "unit/resolver/watch-list.test.ts";
const packaged = "structure/package/package.test.ts";

/** Consul, files, and what all resolvers share. */
export const otherRules: readonly RuleGroup[] = [
  groupOf("Consul", "C", [
    {
      rule: "GET /v1/health/service, instances that pass; an empty address is the node's; weights and zones",
      tests: [
        `${consul}: rule: instances that pass, at their address or their node's, with weight, and zone of the metadata`,
        `${consul}: an instance that was registered with nonsense keeps no other from being heard of`,
        `${consul}: health "warning": those that warn too, by their weight for it, and none that is critical`,
      ],
    },
    {
      rule: "Blocking queries with index and wait",
      tests: [
        `${consul}: rule: a blocking query with the last index and a wait hears of a change at once`,
        `${consul}: closing ends the query that waits`,
      ],
    },
    {
      rule: "An index that goes back is 0; 0, or none, is 1",
      tests: [
        `${consul}: rule: an index that goes back is 0, so that the next query waits for nothing`,
        `${consul}: rule: an index of 0, or none, is 1`,
      ],
    },
    {
      rule: "A return proves no change",
      tests: [
        `${consul}: rule: a return proves no change, and a list that is the same is not told again`,
        `${consul}: how long nothing has changed is not how long a lookup took, and the next query after a failure is foretold`,
      ],
    },
    {
      rule: "A server adds up to a sixteenth to a wait of at most 10 minutes: the client's limit is above that, and 10 s where nothing has to happen",
      tests: [
        `${consul}: a Consul that takes a query and says nothing is an error after 10 s, and after its time where it waits for a change`,
        `${consul}: consulResolver(\${Object.keys(options).join()}) is refused where it means nothing`,
      ],
    },
    {
      rule: "Two queries at once, and then one each 15 s, unless calls fail",
      tests: [`${consul}: rule: two queries may follow each other at once, and then one each 15 s, unless calls fail`],
    },
    {
      rule: "tag, near, dc, ns and filter are passed on",
      tests: [`${consul}: rule: tags, near, data centre, namespace and filter are passed on, each tag by itself`],
    },
    {
      rule: "X-Consul-Token; a denial names the right",
      tests: [
        `${consul}: rule: the token is sent, may change from query to query, and a denial says which right is missing`,
      ],
    },
    {
      rule: "stale: a server that has not heard of its leader for 10 s is not believed",
      tests: [
        `${consul}: rule: with stale, a server that has not heard of its leader for 10 s is not believed, and the leader is asked`,
      ],
    },
    {
      rule: "429 is waited out, other failures by the growing wait",
      tests: [
        `${consul}: rule: 429 is waited out as it says, 500 by the growing wait, and both keep the list`,
        `${consul}: an answer that is no list, and a Consul that is not there, are errors that say so`,
        `${consul}: an answer that is no list is an error, and asked for again without waiting for a change`,
      ],
    },
    {
      rule: "An unknown service is an empty list, which is an error that keeps the last one",
      tests: [
        `${consul}: rule: a service without an instance that passes is an error, which keeps the last list, and is waited on`,
      ],
    },
    {
      rule: "Neither a query that waits nor a server that cannot be reached keeps the process alive",
      tests: [
        "behaviour/processes/watching.test.ts: so does one whose API server, or Consul, is behind a firewall that drops packets",
        "unit/resolver/connect-limit.test.ts: a connect that nobody waits for is given up at the next look, and one that a call waits for after 5 s, once",
      ],
    },
    {
      rule: "Blocking by hash",
      tests: [],
      reason: "not done: only the agent's own endpoints know it, and this is none of them",
    },
  ]),
  groupOf("Files", "F", [
    {
      rule: "JSON with weights, zones, priorities and several addresses of an endpoint",
      tests: [
        `${file}: weights, zones, priorities and names are the entries', and an address without a port has that of baseUrl`,
      ],
    },
    {
      rule: "Looked at each second, and at once when the system tells of a change: in place, renamed, or by a symbolic link as Kubernetes does it",
      tests: [
        `${file}: a change that \${how} is reported, written in place, renamed or swapped through a symbolic link`,
        `${file}: after a swap of the folder that the file is in, by a link, changes are told of by the operating system again`,
      ],
    },
    {
      rule: "What is half written for a quarter of a second is no error",
      tests: [`${file}: a file that is half written for a moment is no error`],
    },
    {
      rule: "What is not valid keeps the list and says where it is wrong, once",
      tests: [
        `${file}: a file that stays wrong keeps the list, says where it is wrong, once, and is read again when it is mended`,
        `${file}: a file that flips between valid and invalid is told of at each flip, and the last good list stays`,
        `${file}: a file \${JSON.stringify(text)} says what is wrong`,
      ],
    },
    {
      rule: "A file, or its folder, may come later or go; a pipe is no file",
      tests: [
        `${file}: a file that is not there yet is an error, and is used as soon as it is, in a folder that comes later`,
        `${file}: a pipe, which has no end, is no file; once there is one, it is read`,
      ],
    },
  ]),
  groupOf("What all resolvers share", "R", [
    {
      rule: "A failure keeps the last good list; what is the same is not told again",
      tests: [
        `${watchList}: a failure keeps the last list, which is told again once it is confirmed`,
        `${watchList}: what is known already is not told again, in any order, and other attributes are news`,
      ],
    },
    {
      rule: "Changes within the debounce are one, the first list waits for nothing",
      tests: [`${watchList}: lists within the debounce are told as one, the last, however many come`],
    },
    {
      rule: "Hints bring the next look forward, not within a second of the last; two within 5 s are urgent",
      tests: [
        `${watchList}: a run that names its wait gets it: hints shorten it after an answer, and not after a failure`,
        `${watchList}: a rotation timer's hints do not make it urgent`,
        `${watchList}: a run hears hints while it goes on, and knows whether they are urgent until it has learned something`,
      ],
    },
    {
      rule: "Intervals and waits have jitter",
      tests: [`${watchList}: intervals differ by ± 10 %, so that a fleet does not ask together`],
    },
    {
      rule: "After close nothing is told, run or left waiting",
      tests: [`${watchList}: after close nothing is told, run or left waiting`],
    },
    {
      rule: "Users' own: the registry of the guide is built on it",
      tests: [`${packaged}: the registry's resolver of docs/extending.md asks at once, and then waits for a change`],
    },
    {
      rule: "Nothing of it is loaded with the core",
      tests: [
        `${packaged}: what a program loads with glink is no larger than it should be, and imports few modules: \${format}`,
        `${packaged}: glink/kubernetes imports the core and Node's modules alone: \${format}`,
        `${packaged}: glink/consul imports the core and holds no copy of it: \${format}`,
      ],
    },
    {
      rule: "etcd, ZooKeeper serversets, AWS Cloud Map, Eureka",
      tests: [],
      reason: "not done: some lines on `watchList`, with the client library of each; Cloud Map's DNS works",
    },
  ]),
];
