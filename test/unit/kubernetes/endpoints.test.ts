import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress } from "../../../src/endpoint/address.ts";
import { endpointHostname, endpointZone, endpointZoneHints } from "../../../src/endpoint/attributes.ts";
import { sameEndpoint } from "../../../src/endpoint/endpoint.ts";
import { type Location, ServiceEndpoints } from "../../../src/kubernetes/endpoints.ts";
import { type SliceJson, SliceReader } from "../../../src/kubernetes/slice.ts";
import { collectGarbage } from "../../support/heap.ts";
import { readyEndpoint, slice } from "../../support/slices.ts";

const nowhere: Location = { zone: undefined, node: undefined };
const reader = new SliceReader();

function read(slices: readonly object[], port: number | string = "grpc", location: Partial<Location> = {}) {
  return new ServiceEndpoints(port, { ...nowhere, ...location }).of(
    slices.map((json) => reader.read(json as SliceJson)),
  );
}

function addresses(...parameters: Parameters<typeof read>): string[] {
  return read(...parameters).map((endpoint) => endpoint.addresses.map(formatAddress).join("+"));
}

const conditions = (ready?: boolean, serving?: boolean, terminating?: boolean) => ({
  conditions: { ready, serving, terminating },
});

test("all slices of a Service are one list", () => {
  const slices = [slice("a", [readyEndpoint("10.0.0.1")]), slice("b", [readyEndpoint("10.0.0.2")])];
  assert.deepEqual(addresses(slices), ["10.0.0.1:50051", "10.0.0.2:50051"]);
});

test("an endpoint that is in two slices counts once, and a usable copy of it wins", () => {
  const slices = [
    slice("a", [readyEndpoint("10.0.0.1", conditions(false, false, false))]),
    slice("b", [readyEndpoint("10.0.0.1"), readyEndpoint("10.0.0.2")]),
    slice("c", [readyEndpoint("10.0.0.2")]),
  ];
  assert.deepEqual(addresses(slices), ["10.0.0.1:50051", "10.0.0.2:50051"]);
});

test("a condition that is not known is ready, serving and not terminating", () => {
  const slices = [
    slice("a", [
      readyEndpoint("10.0.0.1", { conditions: undefined }),
      readyEndpoint("10.0.0.2", conditions()),
      readyEndpoint("10.0.0.3", conditions(false)),
    ]),
  ];
  assert.deepEqual(addresses(slices), ["10.0.0.1:50051", "10.0.0.2:50051"]);
});

test("an endpoint on its way out is used only where none is ready, and only while it serves", () => {
  const leaving = readyEndpoint("10.0.0.1", conditions(false, true, true));
  const gone = readyEndpoint("10.0.0.2", conditions(false, false, true));
  const starting = readyEndpoint("10.0.0.3", conditions(false, true, false));
  assert.deepEqual(addresses([slice("a", [leaving, gone, starting])]), ["10.0.0.1:50051"]);
  assert.deepEqual(addresses([slice("a", [leaving, gone]), slice("b", [readyEndpoint("10.0.0.4")])]), [
    "10.0.0.4:50051",
  ]);
});

test("a Service that publishes pods which are not ready has ready endpoints, terminating or not", () => {
  assert.deepEqual(addresses([slice("a", [readyEndpoint("10.0.0.1", conditions(true, false, true))])]), [
    "10.0.0.1:50051",
  ]);
});

test("of several addresses of an endpoint all but the first mean nothing", () => {
  assert.deepEqual(addresses([slice("a", [{ addresses: ["10.0.0.1", "10.0.0.2"] }, { addresses: [] }])]), [
    "10.0.0.1:50051",
  ]);
});

test("a named port is looked up in each slice: pods of two versions may listen on two", () => {
  const slices = [
    slice("old", [readyEndpoint("10.0.0.1")]),
    slice("new", [readyEndpoint("10.0.0.2")], {
      ports: [
        { name: "metrics", port: 9 },
        { name: "grpc", port: 7_070 },
      ],
    }),
  ];
  assert.deepEqual(addresses(slices), ["10.0.0.1:50051", "10.0.0.2:7070"]);
});

test("a numbered port is the pod's as it is written, in slices without ports too", () => {
  const headless = slice("a", [readyEndpoint("10.0.0.1")], { ports: null });
  assert.deepEqual(addresses([headless], 9_090), ["10.0.0.1:9090"]);
  assert.deepEqual(addresses([headless], "grpc"), [], "a slice that lost its ports is not a wrong name");
});

test("a wrong name of a port is an error that lists those present", () => {
  const slices = [slice("a", [readyEndpoint("10.0.0.1")]), slice("b", [], { ports: [{ port: 80 }] })];
  assert.throws(() => addresses(slices, "http"), {
    message: 'no EndpointSlice has a port "http": there is "grpc", one without a name',
  });
});

test("UDP ports are no ports for calls", () => {
  const ports = [
    { name: "grpc", port: 1, protocol: "UDP" },
    { name: "grpc", port: 2 },
  ];
  assert.deepEqual(addresses([slice("a", [readyEndpoint("10.0.0.1")], { ports })]), ["10.0.0.1:2"]);
});

test("the IPv4 and IPv6 addresses of a dual-stack pod are one endpoint, IPv4 first", () => {
  const pod = { targetRef: { name: "pod-1", uid: "1" } };
  const slices = [
    slice("a6", [readyEndpoint("fd00::1", pod), readyEndpoint("fd00::2")], { addressType: "IPv6" }),
    slice("a4", [readyEndpoint("10.0.0.1", pod)]),
  ];
  assert.deepEqual(addresses(slices).sort(), ["10.0.0.1:50051+[fd00::1]:50051", "[fd00::2]:50051"]);
});

test("slices of host names are skipped, and an error where there is nothing else", () => {
  const names = slice("a", [readyEndpoint("echo.test")], { addressType: "FQDN" });
  assert.deepEqual(addresses([names, slice("b", [readyEndpoint("10.0.0.1")])]), ["10.0.0.1:50051"]);
  assert.throws(() => addresses([names]), /addressType FQDN/);
});

test("zone, hints and pod are attributes, and equal ones are the same after each read", () => {
  const json = slice("a", [readyEndpoint("10.0.0.1", { zone: "za", hints: { forZones: [{ name: "za" }] } })]);
  const [first] = read([json]);
  const [second] = read([structuredClone(json)]);
  assert.equal(first?.attributes.get(endpointZone), "za");
  assert.deepEqual(first?.attributes.get(endpointZoneHints), ["za"]);
  assert.equal(first?.attributes.get(endpointHostname), "pod-10.0.0.1");
  assert.ok(first !== undefined && second !== undefined && sameEndpoint(first, second));
});

test("an endpoint stays the same while its node does, and names of nodes that are gone are not kept", async () => {
  const on = (node: string) =>
    slice("a", [readyEndpoint("10.0.0.1", { hints: { forNodes: [{ name: node }] } })]) as SliceJson;
  const own = new SliceReader();
  let current = own.read(on("n1"));
  assert.equal(own.read(on("n1"), current), current);
  const gone = new WeakRef(current.endpoints[0]?.nodeHints ?? assert.fail());
  current = own.read(on("n2"), current);
  assert.deepEqual(current.endpoints[0]?.nodeHints, ["n2"]);
  await collectGarbage();
  assert.equal(gone.deref(), undefined);
  assert.equal(own.read(on("n2"), current), current);
});

test("hints count only where every ready endpoint has them and one names this zone", () => {
  const hinted = (address: string, ...zones: string[]) =>
    readyEndpoint(address, { hints: { forZones: zones.map((name) => ({ name })) } });
  const all = [slice("a", [hinted("10.0.0.1", "za"), hinted("10.0.0.2", "zb"), hinted("10.0.0.3", "za", "zb")])];
  assert.deepEqual(addresses(all, "grpc", { zone: "za" }), ["10.0.0.1:50051", "10.0.0.3:50051"]);
  assert.equal(addresses(all, "grpc", { zone: "zc" }).length, 3, "no hint names it");
  assert.equal(addresses(all, "grpc").length, 3, "the zone is not known");
  const leaving = readyEndpoint("10.0.0.8", conditions(false, true, true));
  assert.equal(addresses([...all, slice("b", [leaving])], "grpc", { zone: "za" }).length, 2, "it is not ready");
  const bare = slice("b", [readyEndpoint("10.0.0.9")]);
  assert.equal(addresses([...all, bare], "grpc", { zone: "za" }).length, 4, "one has no hint");
});

test("hints that name nodes come before those that name zones", () => {
  const hints = (node: string) => ({ hints: { forNodes: [{ name: node }], forZones: [{ name: "za" }] } });
  const slices = [slice("a", [readyEndpoint("10.0.0.1", hints("n1")), readyEndpoint("10.0.0.2", hints("n2"))])];
  assert.deepEqual(addresses(slices, "grpc", { zone: "za", node: "n2" }), ["10.0.0.2:50051"]);
  assert.equal(addresses(slices, "grpc", { zone: "za", node: "n3" }).length, 2);
});
