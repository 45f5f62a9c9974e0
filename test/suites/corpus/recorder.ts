import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { frameTypes, RawConnection } from "../../unit/http2/wire/raw-peer.ts";
import type { RecordedChunk } from "./corpus.ts";

/** A man in the middle on TCP: passes bytes on unchanged, and keeps what the server sent on the first connection. */
export class Recorder {
  readonly chunks: RecordedChunk[] = [];
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  private constructor(server: Server, serverPort: number) {
    this.#server = server;
    server.once("connection", (client) => this.#record(client, connect({ host: "127.0.0.1", port: serverPort })));
  }

  static async start(serverPort: number): Promise<Recorder> {
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Recorder(server, serverPort);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #record(client: Socket, server: Socket): void {
    this.#sockets.push(client, server);
    server.setNoDelay(true);
    server.on("error", () => client.destroy());
    const seen = new RawConnection(client);
    client.pipe(server);
    server.on("data", (chunk: Buffer) => {
      this.chunks.push({ after: sentOn(seen), hex: chunk.toString("hex") });
      client.write(chunk);
    });
    server.on("end", () => client.end());
  }
}

/** What a client has sent on a connection so far. */
export function sentOn({ frames }: RawConnection): RecordedChunk["after"] {
  let calls = 0;
  let bytes = 0;
  for (const { type, payload } of frames) {
    if (type === frameTypes.headers) calls++;
    if (type === frameTypes.data) bytes += payload.length;
  }
  return { calls, bytes };
}
