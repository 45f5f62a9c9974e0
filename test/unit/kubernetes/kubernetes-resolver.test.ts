import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type KubernetesResolverOptions, kubernetesResolver } from "../../../src/kubernetes/index.ts";
import { servicePortOf } from "../../../src/kubernetes/service-port.ts";
import type { Resolver, ResolverListener } from "../../../src/resolver/resolver.ts";
import { apiServerIdentity, ca, clientIdentity, otherApiServerIdentity } from "../../support/certificates.ts";
import { refusal, ScriptedApiServer } from "../../support/scripted-api-server.ts";
import { readyEndpoint, slice } from "../../support/slices.ts";
import { startApiServer, target, until, watchService } from "./watching.ts";

const one = ["10.0.0.1:50051"];
const onePod = slice("a", [readyEndpoint("10.0.0.1")]);

test("host names of a cluster are read, and others refused", () => {
  const read = (host: string) => Object.values(servicePortOf({ host, port: 1 }));
  assert.deepEqual(read("echo"), [undefined, "echo", 1]);
  assert.deepEqual(read("echo.shop"), ["shop", "echo", 1]);
  assert.deepEqual(read("echo.shop.svc"), ["shop", "echo", 1]);
  assert.deepEqual(read("echo.shop.svc.cluster.local"), ["shop", "echo", 1]);
  assert.deepEqual(read("echo.shop.svc.my.domain."), ["shop", "echo", 1]);
  for (const host of ["api.example.com", "10.0.0.1", "fd00::1", "a_b.shop", "echo..svc", ""]) {
    assert.throws(() => read(host), /is not the name of a Service/, host);
  }
});

test("options name the Service whatever baseUrl says", async (t) => {
  const server = await startApiServer(t);
  server.put(onePod);
  const options = { server: server.url, namespace: "other", service: "greeter", port: "grpc" };
  const seen = watchService(t, options, { of: { host: "api.example.com", port: 443 } });
  await seen.list(one);
  const [{ path, query } = assert.fail()] = server.requests;
  assert.equal(path, "/apis/discovery.k8s.io/v1/namespaces/other/endpointslices");
  assert.equal(query.get("labelSelector"), "kubernetes.io/service-name=greeter");
});

test("a port with a wrong name is an error that says which there are", async (t) => {
  const server = await startApiServer(t);
  server.put(onePod);
  const seen = watchService(t, { server: server.url, service: "echo", port: "http" });
  await until("an error", () => seen.errors.length > 0);
  assert.equal(seen.errors[0], 'no EndpointSlice has a port "http": there is "grpc"');
});

test("an API server over TLS is checked against its authority, and may ask for a client certificate", async (t) => {
  const server = new ScriptedApiServer({ ...apiServerIdentity, requestCert: true, ca });
  await server.listen();
  t.after(() => server.close());
  server.put(onePod);
  const seen = watchService(t, { server: server.url, ca: apiServerIdentity.cert, ...clientIdentity });
  await seen.list(one);
  const wary = watchService(t, { server: server.url, ca: otherApiServerIdentity.cert });
  await until("it is refused", () => wary.errors.length > 0);
  assert.match(wary.errors[0] ?? "", /self-signed|unable to verify|certificate/);
  assert.deepEqual(wary.resolutions, []);
});

test("transports of one resolver that call the same port share a watch, and the last one closes it", async (t) => {
  const server = await startApiServer(t);
  server.put(onePod);
  const resolver = kubernetesResolver({ server: server.url });
  const lists: [number, number, number] = [0, 0, 0];
  const { runtime } = watchService(t, { server: server.url, service: "unrelated" });
  const watch = (index: 0 | 1 | 2, port = 50_051) =>
    resolver.watch(
      { ...target, port },
      {
        onResolution: () => lists[index]++,
        onAddresses: () => assert.fail(),
        onError: (error) => assert.fail(error as Error),
      },
      runtime,
    );
  const first = watch(0);
  await until("the first hears", () => lists[0] === 1);
  const second = watch(1);
  assert.equal(lists[1], 0, "not before watch has returned");
  await runtime.clock.advance(1);
  assert.deepEqual(lists, [1, 1, 0]);
  const third = watch(2, 9_090);
  await until("the third hears", () => lists[2] === 1);
  const ours = () => server.requests.filter(({ query }) => query.get("labelSelector")?.endsWith("=echo"));
  await until("two watch", () => ours().length === 4);
  first.close();
  first.close();
  server.put(slice("a", []));
  await until("the event is there", () => {
    void runtime.clock.advance(100);
    return lists[1] === 2;
  });
  assert.equal(lists[0], 1, "who has closed hears nothing");
  second.close();
  third.close();
  await until("nobody watches but the other", () => server.watches === 1);
});

test("who joins a shared watch while the API server refuses is told the list that stays, and then the error", async (t) => {
  const server = await startApiServer(t);
  server.put(onePod);
  const resolver = kubernetesResolver({ server: server.url });
  const { clock, runtime } = watchService(t, { server: server.url, service: "unrelated" });
  const join = () => {
    const heard: string[] = [];
    const watch = resolver.watch(
      target,
      {
        onResolution: ({ endpoints }) => heard.push(`${endpoints.length} backends`),
        onAddresses: () => assert.fail(),
        onError: (error) => heard.push((error as Error).message),
      },
      runtime,
    );
    t.after(() => watch.close());
    return heard;
  };
  const early = join();
  await until("both watch", () => early.length === 1 && server.watches === 2);
  const refused = refusal(500, "no");
  server.answerNext(...Array.from({ length: 50 }, () => refused));
  await clock.advance(2_000);
  server.cut();
  for (let i = 0; early.length === 1; i++) {
    assert.ok(i < 1_000, "the failure is told");
    await clock.advance(50);
    await sleep(1);
  }
  const late = join();
  await clock.advance(0);
  assert.deepEqual(late, ["1 backends", early.at(-1)]);
});

/** A resolver whose watch a test answers. */
function manualFallback() {
  let listener: ResolverListener | undefined;
  const calls = { refreshes: 0, closes: 0 };
  const resolver: Resolver = {
    name: "manual",
    watch: (_target, told) => {
      listener = told;
      return { refresh: () => calls.refreshes++, close: () => calls.closes++ };
    },
  };
  return { resolver, calls, told: () => listener ?? assert.fail("nobody watches") };
}

test("a fallback is used until the first list, and its errors and ours are told once it has answered", async (t) => {
  const server = await startApiServer(t);
  server.put(onePod);
  server.answerNext((response) => void response.writeHead(500).end("down"));
  const { resolver, calls, told } = manualFallback();
  const seen = watchService(t, { server: server.url, fallback: resolver });
  await until("it was asked", () => server.requests.length === 1);
  await seen.clock.advance(100);
  assert.deepEqual(seen.errors, [], "calls wait for the fallback");
  told().onAddresses([{ host: "10.9.9.9", port: 50_051 }]);
  assert.deepEqual(seen.newest, ["10.9.9.9:50051"]);
  assert.match(seen.errors[0] ?? "", /answered 500/);
  seen.watch.refresh();
  assert.equal(calls.refreshes, 1);
  await seen.list(one);
  assert.equal(calls.closes, 1);
  told().onAddresses([{ host: "10.9.9.9", port: 50_051 }]);
  assert.deepEqual(seen.newest, one, "and not afterwards");
});

test("with a fallback too it is known when the API server is asked again", async (t) => {
  const server = await startApiServer(t);
  const { resolver, told } = manualFallback();
  server.answerNext(refusal(500, "no"));
  const seen = watchService(t, { server: server.url, fallback: resolver });
  told().onAddresses([{ host: "10.0.0.9", port: 1 }]);
  await seen.turnUntil("it has failed", () => seen.errors.length === 1);
  assert.equal(typeof seen.watch.nextLookupMs, "number");
});

test("with startSpreadMs the first list waits by chance, while the fallback serves, and no longer once calls fail", async (t) => {
  const server = await startApiServer(t);
  server.put(onePod);
  const { resolver, told } = manualFallback();
  const options = { server: server.url, fallback: resolver, startSpreadMs: 30_000 };
  // By half of it: that is chance here.
  const patient = watchService(t, options);
  told().onAddresses([{ host: "10.9.9.9", port: 50_051 }]);
  await patient.clock.advance(14_999);
  assert.equal(server.requests.length, 0);
  assert.deepEqual(patient.newest, ["10.9.9.9:50051"]);
  await patient.clock.advance(1);
  await patient.list(one);
  const asked = server.requests.length;
  const failing = watchService(t, options);
  await failing.clock.advance(1_000);
  failing.watch.refresh();
  await failing.clock.advance(1_000);
  assert.equal(server.requests.length, asked, "one hint may be the rotation timer's");
  failing.watch.refresh();
  await failing.list(one);
});

test("outside a cluster a server is needed", () => {
  assert.throws(() => kubernetesResolver(), /KUBERNETES_SERVICE_HOST is not set.*kubectl proxy/);
});

test("options that make no sense are refused by name", () => {
  const refused = (options: unknown, message: RegExp) =>
    assert.throws(() => kubernetesResolver(options as KubernetesResolverOptions), message);
  const server = "http://127.0.0.1:8001";
  refused(null, /the options of kubernetesResolver must be an object, not null/);
  refused({ server, serivce: "echo" }, /no option "serivce": it knows service, namespace/);
  refused({ server, service: "Echo" }, /service must be a name of Kubernetes, like "echo", not "Echo"/);
  refused({ server, service: "echo", namespace: "a/b" }, /namespace must be a name/);
  refused({ server, namespace: "shop" }, /namespace and port go with service/);
  refused({ server, service: "echo", port: 0 }, /port must be a number from 1 to 65535.*not 0/);
  refused({ server, service: "echo", port: "" }, /port must be/);
  refused({ server: "127.0.0.1:8001" }, /server must be an http or https URL/);
  refused({ server: "https://me:secret@api" }, /must not carry credentials/);
  refused({ token: "secret" }, /token goes with server/);
  refused({ server, token: "two words" }, /token must be a token/);
  refused({ server, cert: "PEM" }, /cert and key go together/);
  refused({ server, zone: "" }, /zone must be a text/);
  refused({ server, fallback: {} }, /fallback must be a resolver/);
  refused({ server, startSpreadMs: "1 s" }, /startSpreadMs must be a number from 0 to 600000, not "1 s"/);
  refused({ server, startSpreadMs: Number.NaN }, /startSpreadMs must be a number from 0 to 600000, not NaN/);
  refused({ server, startSpreadMs: 600_001 }, /startSpreadMs must be a number from 0 to 600000, not 600001/);
  refused({ server, startSpreadMs: 1 }, /startSpreadMs goes with fallback/);
});
