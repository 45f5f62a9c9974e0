import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { dnsResolver, type GlinkEvent, type GlinkTransportOptions } from "../../../src/index.ts";
import { fakeDns } from "../../../src/testing/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

const service = EchoService.typeName;
const record = "_grpc_config.echo.test";

const textOf = (serviceConfig: object) =>
  `grpc_config=${JSON.stringify([{ clientLanguage: ["node"], serviceConfig }])}`;
const timeoutOf = (timeout: string) => textOf({ methodConfig: [{ name: [{ service }], timeout }] });

/** A name with one backend and a TXT record, and a transport that reads both. */
async function start(t: TestContext, texts: readonly string[], options: Partial<GlinkTransportOptions> = {}) {
  const dns = await fakeDns();
  const backend = await startConnectEcho();
  dns.set("echo.test", { addresses: ["127.0.0.1"], ttlSeconds: 1 });
  if (texts.length > 0) dns.set(record, { texts });
  const transport = glinkTransport({
    baseUrl: `http://echo.test:${backend.port}`,
    resolver: dnsResolver({ servers: [dns.address], serviceConfig: true }),
    ...options,
  });
  const events: GlinkEvent[] = [];
  transport.subscribe((event) => events.push(event));
  t.after(async () => {
    await transport.close();
    await backend.close();
    await dns.close();
  });
  await transport.ready();
  const timeout = () => transport.explain(EchoService.method.unary).values.find(({ name }) => name === "timeoutMs");
  return { dns, transport, events, timeout, client: createClient(EchoService, transport) };
}

// Each waits for lookups, which are a second apart.
describe("dnsResolver({ serviceConfig: true })", { concurrency: true }, () => {
  test("lookups take a time and have a next one, as those without the record", async (t) => {
    const { transport, events } = await start(t, [], { rotationIntervalMs: 3_600_000 });
    const resolved = events.find((event) => event.type === "resolved");
    assert.equal(typeof resolved?.tookMs, "number");
    const { resolution, takenAtMs } = transport.snapshot();
    assert.ok((resolution.nextLookupAtMs ?? Number.POSITIVE_INFINITY) - takenAtMs < 60_000);
  });

  test("what the TXT record says of methods holds, in place of the option, and follows it", async (t) => {
    const { dns, client, timeout } = await start(t, ["v=other", timeoutOf("0.1s")], {
      serviceConfig: { methodConfig: [{ name: [{}], timeout: "9s" }] },
      rotationIntervalMs: 1_000,
    });
    assert.deepEqual(timeout(), {
      name: "timeoutMs",
      value: 100,
      origin: "resolved service config.methodConfig[0]",
    });
    const late = await client
      .unary({ behavior: { delayMs: 5_000 } })
      .catch((error: unknown) => ConnectError.from(error));
    assert.equal((late as ConnectError).code, Code.DeadlineExceeded);
    dns.set(record, { texts: [timeoutOf("2s")] });
    await until("the new one holds", () => timeout()?.value === 2_000);
    dns.set(record, { texts: [] });
    await until("without a record the option holds", () => timeout()?.value === 9_000);
  });

  test("a record that is no good leaves the last one in use, and is reported once", async (t) => {
    const { dns, timeout, events } = await start(t, [timeoutOf("3s")], { rotationIntervalMs: 1_000 });
    const rejected = () => events.filter(({ type }) => type === "service-config-rejected");
    dns.set(record, { texts: ["grpc_config=oops"] });
    await until("it is reported", () => rejected().length === 1);
    assert.equal(timeout()?.value, 3_000);
    dns.set(record, { texts: [timeoutOf("soon")] });
    await until("another one is too", () => rejected().length === 2);
    assert.deepEqual(
      rejected().map(
        (event) => event.type === "service-config-rejected" && [event.first, event.error.message.slice(0, 40)],
      ),
      [
        [true, "the TXT record _grpc_config.echo.test ca"],
        [false, "resolved service config.methodConfig[0]."],
      ],
    );
    assert.equal(timeout()?.value, 3_000);
  });

  test("a name without the record, or a server that does not answer for it, is used all the same", async (t) => {
    const { timeout, client } = await start(t, []);
    assert.equal(timeout()?.origin, "default");
    assert.equal((await client.unary({ text: "hi" })).text, "hi");
    const dns = await fakeDns();
    const backend = await startConnectEcho();
    dns.set("echo.test", { addresses: ["127.0.0.1"] });
    dns.set(record, { silent: true });
    const transport = glinkTransport({
      baseUrl: `http://echo.test:${backend.port}`,
      resolver: dnsResolver({ servers: [dns.address], serviceConfig: true }),
    });
    await transport.ready();
    await transport.close();
    await backend.close();
    await dns.close();
  });
});
