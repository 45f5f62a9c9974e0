import { groupOf, type RuleGroup } from "./rule.ts";

const watch = "unit/kubernetes/slice-watch.test.ts";
const endpoints = "unit/kubernetes/endpoints.test.ts";
const credentials = "unit/kubernetes/credentials.test.ts";
const resolver = "unit/kubernetes/kubernetes-resolver.test.ts";
const suite = "suites/kubernetes/scenes.ts";

/** What EndpointSlices mean, and how the API server is found. */
export const sliceRules: readonly RuleGroup[] = [
  groupOf("Kubernetes: what slices mean", "E", [
    {
      rule: "All slices of a Service are merged by their name; there may be hundreds",
      tests: [
        `${endpoints}: all slices of a Service are one list`,
        `${watch}: hundreds of slices are one list, and a change of one costs one event`,
      ],
    },
    {
      rule: "While the controller moves an endpoint it is in two slices, or in none: it counts once, a usable copy wins, and changes within 100 ms are one",
      tests: [
        `${endpoints}: an endpoint that is in two slices counts once, and a usable copy of it wins`,
        `${watch}: an endpoint that the controller moves is never seen to be missing`,
      ],
    },
    {
      rule: "Of an endpoint's addresses the first alone counts",
      tests: [`${endpoints}: of several addresses of an endpoint all but the first mean nothing`],
    },
    {
      rule: "IPv4 and IPv6 addresses of a pod are one backend, by targetRef.uid",
      tests: [`${endpoints}: the IPv4 and IPv6 addresses of a dual-stack pod are one endpoint, IPv4 first`],
    },
    {
      rule: "Slices of host names (FQDN) are skipped, and an error where there are no others",
      tests: [`${endpoints}: slices of host names are skipped, and an error where there is nothing else`],
    },
    {
      rule: "Conditions that are not there: ready and serving are true, terminating is false",
      tests: [`${endpoints}: a condition that is not known is ready, serving and not terminating`],
    },
    {
      rule: "Ready endpoints are used, those of publishNotReadyAddresses too; where there is none, those that serve while they terminate, as kube-proxy does",
      tests: [
        `${endpoints}: an endpoint on its way out is used only where none is ready, and only while it serves`,
        `${endpoints}: a Service that publishes pods which are not ready has ready endpoints, terminating or not`,
      ],
    },
    {
      rule: "A name of a port is looked up in each slice, which says the pods' port",
      tests: [`${endpoints}: a named port is looked up in each slice: pods of two versions may listen on two`],
    },
    {
      rule: "A number is the pods' port as it is written, also where slices have no ports",
      tests: [`${endpoints}: a numbered port is the pod's as it is written, in slices without ports too`],
    },
    {
      rule: "A wrong name of a port is an error that lists those present; UDP ports are none",
      tests: [
        `${endpoints}: a wrong name of a port is an error that lists those present`,
        `${resolver}: a port with a wrong name is an error that says which there are`,
        `${endpoints}: UDP ports are no ports for calls`,
      ],
    },
    {
      rule: "Hints count only where every ready endpoint has them and one names this place, nodes before zones; and only where the place is given",
      tests: [
        `${endpoints}: hints count only where every ready endpoint has them and one names this zone`,
        `${endpoints}: hints that name nodes come before those that name zones`,
        `${suite}: zone hints are obeyed, and an empty Service is empty`,
      ],
    },
    {
      rule: "Zone, hints and the pod's name are attributes of the endpoint",
      tests: [
        `${endpoints}: zone, hints and pod are attributes, and equal ones are the same after each read`,
        `${endpoints}: an endpoint stays the same while its node does, and names of nodes that are gone are not kept`,
      ],
    },
    { rule: "appProtocol", tests: [], reason: "not read: `baseUrl` and `protocol` say it" },
  ]),
  groupOf("Kubernetes: where, and by which right", "K", [
    {
      rule: "Host names of a cluster, or { namespace, service, port }",
      tests: [
        `${resolver}: host names of a cluster are read, and others refused`,
        `${resolver}: options name the Service whatever baseUrl says`,
      ],
    },
    {
      rule: "In a pod: the server that the environment names, and the files of the service account",
      tests: [
        `${resolver}: outside a cluster a server is needed`,
        `${credentials}: files that are not there are an error that names them, and are looked for again`,
      ],
      reason: "that it works in one is shown by `npm run kubernetes`, whose process has both",
    },
    {
      rule: "Token and authority are read again each minute: Kubernetes replaces them without a word",
      tests: [
        `${credentials}: token and authority are read anew each minute, and at once when the server refuses the token`,
        `${credentials}: a token whose file vanishes serves on, until a server refuses it`,
        `${credentials}: a server with a new authority is trusted once that is in the file`,
        `${suite}: the token was rotated: a new pod is known after`,
      ],
    },
    {
      rule: "A token stands in no error, also where a page says again what was asked",
      tests: ["unit/kubernetes/hostile-servers.test.ts: a page that says again what was asked shows no token"],
    },
    {
      rule: "Outside: { server, ca, token, cert, key }",
      tests: [
        `${resolver}: an API server over TLS is checked against its authority, and may ask for a client certificate`,
        `${resolver}: options that make no sense are refused by name`,
      ],
    },
    {
      rule: "Kubeconfig files",
      tests: [],
      reason: "not read: they are YAML, and may name programs to run; `kubectl proxy` reads them",
    },
    {
      rule: "A Role to list and watch endpointslices in the Service's namespace is enough",
      tests: [`${suite}: a missing verb is named`],
      reason: "the suite's account has this Role and no other",
    },
    {
      rule: "DNS serves until the first list, if asked",
      tests: [
        `${resolver}: a fallback is used until the first list, and its errors and ours are told once it has answered`,
        `${resolver}: with a fallback too it is known when the API server is asked again`,
      ],
    },
  ]),
];
