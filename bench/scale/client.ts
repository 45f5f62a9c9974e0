import { connect, type Socket } from "node:net";
import { Client, credentials } from "@grpc/grpc-js";
import { glink } from "./glink.ts";
import { bytesInUse, Measured } from "./measured.ts";
import { addresses, type ScaleReport, type ScaleTask } from "./task.ts";

// One measured process of bench:scale. Argument: its task, as JSON. It writes what it found as a line of JSON.

/** The same first calls of grpc-js, which has no list of backends to change. */
async function grpcJs({ backends, ports, certificate }: ScaleTask): Promise<ScaleReport> {
  const list = addresses(0, backends, ports).map(({ host, port }) => `${host}:${port}`);
  const security =
    certificate === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(certificate));
  const measured = new Measured();
  const bytes = (value: Buffer) => value;
  let client: Client | undefined;
  const call = () => {
    client ??= new Client(`ipv4:${list.join(",")}`, security, {
      "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
      "grpc.ssl_target_name_override": "localhost",
      "grpc.default_authority": "localhost",
    });
    return new Promise<void>((resolve, reject) => {
      client?.makeUnaryRequest("/x/Unary", bytes, bytes, Buffer.alloc(0), (error) =>
        error ? reject(error) : resolve(),
      );
    });
  };
  // It says no more than whether one is connected. With TLS the handshakes of the last few are left out.
  await measured.connecting(backends, call, async () => undefined);
  client?.close();
  return measured.report;
}

/** What Node's own sockets take, without anything on top. */
async function sockets({ backends, ports }: ScaleTask): Promise<ScaleReport> {
  const before = await bytesInUse();
  const all: Socket[] = [];
  for (const { host, port } of addresses(0, backends, ports)) {
    const buffer = Buffer.alloc(64);
    const socket = connect({ host, port, noDelay: true, onread: { buffer, callback: () => true } });
    all.push(socket);
    await new Promise((resolve) => socket.once("connect", resolve));
  }
  const bytesPerBackend = ((await bytesInUse()) - before) / backends;
  for (const socket of all) socket.destroy();
  return { bytesPerBackend };
}

const task = JSON.parse(process.argv[2] as string) as ScaleTask;
const run = { glink, "grpc-js": grpcJs, sockets }[task.peer];
process.stdout.write(`${JSON.stringify(await run(task))}\n`, () => process.exit(0));
