const { Code, ConnectError, createClient, createRouterTransport } = require("@connectrpc/connect");
const { allReady, expectQuiet, manualResolver, recordEvents, startBackends, testTransport } = require("glink/testing");
const { Greeter } = require("greeter");
const { welcome } = require("./storefront");

test("without a network: handlers answer as the test wants", async () => {
  const transport = createRouterTransport(({ rpc }) => {
    rpc(Greeter.method.greet, ({ name }) => {
      if (name === "nobody") throw new ConnectError("no such person", Code.NotFound);
      return { greeting: `hello ${name}` };
    });
  });
  const greeter = createClient(Greeter, transport);
  expect(await welcome(greeter, "world")).toBe("hello world");
  await expect(welcome(greeter, "nobody")).rejects.toThrow("no such person");
});

test("with real servers: calls go on when a backend leaves, and nothing is left open", () =>
  expectQuiet(async () => {
    const backends = await startBackends(2, (router, backend) =>
      router.service(Greeter, { greet: ({ name }) => ({ greeting: `hello ${name}`, servedBy: backend.address }) }),
    );
    const [first, second] = backends;
    // The answers of DNS are the test's.
    const resolver = manualResolver(first.address, second.address);
    const transport = testTransport({ baseUrl: "http://greeter.test", resolver });
    try {
      const events = recordEvents(transport);
      const greeter = createClient(Greeter, transport);

      expect(await welcome(greeter, "world")).toBe("hello world");
      resolver.answer(second.address);
      const { removed } = await events.until("pool-updated", (event) => event.removed.length > 0);
      expect(removed).toEqual([first.address]);
      for (let i = 0; i < 5; i++) expect((await greeter.greet({ name: "world" })).servedBy).toBe(second.address);

      // The last one dies: who calls does without, until it is back.
      await second.kill();
      expect(await welcome(greeter, "world")).toBe("welcome");
      await second.restart();
      await allReady(transport, [second]);
      expect(await welcome(greeter, "world")).toBe("hello world");
    } finally {
      // Waits for no call: a test that failed says why, and not that it took too long.
      await transport.close({ timeoutMs: 0 });
      await backends.close();
    }
  }));
