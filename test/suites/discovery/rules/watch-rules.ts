import { groupOf, type RuleGroup } from "./rule.ts";

const watch = "unit/kubernetes/slice-watch.test.ts";
const resolver = "unit/kubernetes/kubernetes-resolver.test.ts";
const store = "unit/kubernetes/slice-store.test.ts";
const hostile = "unit/kubernetes/hostile-servers.test.ts";

/** How EndpointSlices are listed and watched. */
export const watchRules: RuleGroup = groupOf("Kubernetes: list and watch", "L", [
  {
    rule: "The first list takes whatever the server has at hand (resourceVersion=0), by the label of the Service",
    tests: [
      `${watch}: lists whatever the server has at hand, and watches from there, with bookmarks, for 300 to 600 s`,
      `${store}: a list takes the place of all slices, and those that are the same stay the same objects`,
      `${resolver}: options name the Service whatever baseUrl says`,
    ],
  },
  {
    rule: "A watch asks for bookmarks, begins at the version of the list, and ends after 300 to 600 s by chance",
    tests: [
      `${watch}: lists whatever the server has at hand, and watches from there, with bookmarks, for 300 to 600 s`,
    ],
  },
  {
    rule: "ADDED and MODIFIED replace a slice, DELETED takes it away",
    tests: [
      `${watch}: each event replaces one slice, or takes it away, and the list is all of them`,
      `${hostile}: events of slices that nobody knows, of other kinds and without an object change nothing`,
      `${watch}: what is null counts as absent, and a slice that says it is another Service's is passed over`,
    ],
  },
  {
    rule: "One JSON object a line: half a line waits for its end, and a character may be cut by the network",
    tests: [
      `${watch}: half a line waits for its other half, and one that never comes changes nothing`,
      `${hostile}: a watch cut in the middle of a line is taken up where the last whole event was`,
      `${hostile}: characters that are cut in two by the network are whole, and bytes that are none are no end`,
      `${hostile}: a line of a megabyte is taken in, and one of twenty is an error that keeps the list`,
      `${watch}: a line that is no JSON is an error, and the watch goes on from the last version`,
    ],
  },
  {
    rule: "A watch that ends in good order is made anew at once, from the newest version seen, a bookmark's too, without a list",
    tests: [
      `${watch}: a watch that ends in good order goes on from the newest version, a bookmark's too, without a list`,
      `${watch}: what happened while no watch was open is not missed`,
    ],
  },
  {
    rule: "410, as an answer or as an ERROR event, means a list without a version; so do Expired and a version that the server has not seen",
    tests: [
      `${watch}: 410 in a watch: the list is asked for anew, without a version, and spread over 30 s`,
      `${watch}: 410 in a watch: the list waits, and \${what}`,
      `${watch}: a list of a version that is gone, or of one that this server has not seen, is asked for without one`,
      `${watch}: a server in the place of the first, which refuses its version, is an error and asked for a list without one`,
    ],
  },
  {
    rule: "Lists after 410 are spread over 30 s, unless calls fail",
    tests: [
      "unit/kubernetes/fleet.test.ts: no second sees more than a twentieth of a fleet list: at its start with startSpreadMs, and when its server comes back without its history",
      `${watch}: 410 while calls fail: the list is asked for at once`,
    ],
  },
  {
    rule: "First lists are not spread, for calls wait for them; with startSpreadMs they are, while the fallback serves",
    tests: [
      `${resolver}: with startSpreadMs the first list waits by chance, while the fallback serves, and no longer once calls fail`,
      "unit/kubernetes/fleet.test.ts: without startSpreadMs the first lists are asked for at once, for calls wait for them",
    ],
  },
  {
    rule: "Another ERROR event is a failure, after which the list is asked for from the version seen",
    tests: [
      `${watch}: an ERROR event that is no 410 is an error, and the list is asked for again, from the version that was seen`,
    ],
  },
  {
    rule: "A watch that ends within a second and told nothing new is a failure: back off, and watch again without a list",
    tests: [
      `${watch}: a watch that ends at once, again and again, is a failure that is tried less and less`,
      `${watch}: watches that end at once after a bookmark of what is known are tried less and less`,
    ],
  },
  {
    rule: "Failures are tried again after a growing wait with jitter: 1 s to 30 s, ± 25 %; each second for a minute while calls fail",
    tests: [
      `${watch}: a server that is away is tried with waits that grow to 30 s, and the last list stays`,
      "unit/resolver/watch-list.test.ts: waits after failures grow from 1 s to 30 s, ± 25 % by chance",
      "unit/resolver/watch-list.test.ts: a server that cannot be asked is tried each second for a minute while calls fail, and then less and less",
    ],
    reason: "client-go's own waits are 800 ms to 30 s, + 0 to 100 %",
  },
  {
    rule: "429 is waited out as Retry-After says, and a watch that was refused needs no list",
    tests: [`${watch}: 429 is waited out as Retry-After says, and a watch that was refused needs no list`],
  },
  {
    rule: "401: the token is read again, once",
    tests: [`${watch}: a token that is refused is read anew, once`],
  },
  {
    rule: "403 names the missing verb, and what to do",
    tests: [
      `${watch}: a 403 names the verb that is missing, and what to do`,
      "suites/kubernetes/scenes.ts: a missing verb is named",
    ],
  },
  {
    rule: "A watch that has not ended 30 s after its time is dead; one that was silent for 30 s is made anew while calls fail",
    tests: [
      `${watch}: a watch that is silent beyond its time is dead`,
      `${watch}: a watch that is silent while calls fail is made anew, once in 30 s`,
      `${watch}: the rotation timer's hints leave a watch alone`,
    ],
  },
  {
    rule: "A server that says nothing, or something else, is an error; the last list stays, whatever happens",
    tests: [
      `${hostile}: a server that takes connections and says nothing is given up after its time, and its list stays`,
      `${hostile}: errors that are HTML, empty, endless or no status at all are errors of one line, and none ends the watch for good`,
      `${watch}: an answer that is no list is an error`,
      `${watch}: a list that takes longer than a minute has failed, and is asked for again`,
      `${watch}: a slice that cannot be read is an error, and what it changed is asked for again`,
      `${store}: a list that holds a slice which cannot be read leaves the slices as they were`,
    ],
  },
  {
    rule: "One watch for each Service, port and process",
    tests: [
      `${resolver}: transports of one resolver that call the same port share a watch, and the last one closes it`,
      `${resolver}: who joins a shared watch while the API server refuses is told the list that stays, and then the error`,
    ],
  },
  {
    rule: "Nothing keeps the process alive",
    tests: [
      "behaviour/processes/watching.test.ts: a script that makes one call exits by itself, with its watch open",
      "behaviour/processes/watching.test.ts: so does one whose API server says nothing, and one whose is away",
    ],
  },
  {
    rule: "Streaming lists (sendInitialEvents=true)",
    tests: [],
    reason: "not done: lists of one Service are small, and servers before 1.34 do not have them by default",
  },
  {
    rule: "limit and continue",
    tests: [],
    reason: "not done: a list from the server's cache has no pages",
  },
]);
