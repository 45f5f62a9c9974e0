import { setImmediate as turn } from "node:timers/promises";
import { frame, frameTypes, type RawConnection, RawPeer } from "../../unit/http2/wire/raw-peer.ts";
import type { RecordedChunk, RecordedSession } from "./corpus.ts";
import { sentOn } from "./recorder.ts";

/**
 * How what a server sent is cut up:
 * - `as recorded`: in the slices in which it came, each not before the client has sent what it had sent then.
 * - `byte by byte`: the same, each byte alone.
 * - `in one chunk`: the part before the first call, and then, once all requests have come, everything else.
 */
export const slicings = ["as recorded", "byte by byte", "in one chunk"] as const;
export type Slicing = (typeof slicings)[number];

/** A server on TCP that says what a recorded one said, to one client. It answers PINGs once it has said all of it. */
export class Player {
  readonly #peer: RawPeer;
  /** Rejects when the client closes before everything was sent. */
  readonly played: Promise<void>;

  private constructor(peer: RawPeer, session: RecordedSession, slicing: Slicing) {
    this.#peer = peer;
    this.played = peer.accept().then((client) => play(client, session, slicing));
    // Whoever waits for it hears of it.
    this.played.catch(() => undefined);
  }

  static async start(session: RecordedSession, slicing: Slicing): Promise<Player> {
    return new Player(await RawPeer.start(), session, slicing);
  }

  get port(): number {
    return this.#peer.port;
  }

  close(): Promise<void> {
    return this.#peer.close();
  }
}

async function play(client: RawConnection, session: RecordedSession, slicing: Slicing): Promise<void> {
  for (const { after, hex } of slicing === "in one chunk" ? joined(session) : session.chunks) {
    await sentBy(client, after);
    const bytes = Buffer.from(hex, "hex");
    const sliceBytes = slicing === "byte by byte" ? 1 : bytes.length;
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      client.send(bytes.subarray(at, at + sliceBytes));
      // The client reads between two slices: it is in this process, and on loopback nothing is ever on the way.
      await turn();
    }
  }
  const ping = await client.frame(frameTypes.ping);
  client.send(frame(frameTypes.ping, 1, 0, ping.payload));
}

function joined({ chunks, calls }: RecordedSession): RecordedChunk[] {
  const isGreeting = ({ after }: RecordedChunk) => after.calls === 0;
  const hexOf = (some: readonly RecordedChunk[]) => some.map(({ hex }) => hex).join("");
  const bytes = Math.max(...chunks.map(({ after }) => after.bytes));
  return [
    { after: { calls: 0, bytes: 0 }, hex: hexOf(chunks.filter(isGreeting)) },
    { after: { calls: calls.length, bytes }, hex: hexOf(chunks.filter((chunk) => !isGreeting(chunk))) },
  ];
}

async function sentBy(client: RawConnection, wanted: RecordedChunk["after"]): Promise<void> {
  await client.matching(() => {
    const sent = sentOn(client);
    return sent.calls >= wanted.calls && sent.bytes >= wanted.bytes;
  }, `request (${wanted.calls} calls and ${wanted.bytes} bytes were recorded)`);
}
