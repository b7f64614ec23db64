import { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import type { Bytes } from "../../src/core/event.ts";
import { FrameReader } from "../faults/frame_reader.ts";
import { readdress } from "./advertised_address.ts";
import { type Fetched, responseBytes } from "./fetch_responses.ts";

const FETCH = 1;
const SIZE_BYTES = 4;

/** A fetch as it was asked for. */
export interface AskedFetch {
  readonly topic: string;
  /** The offset of each partition. */
  readonly offsets: ReadonlyMap<number, number>;
}

/** What a broker answers to a fetch: for each of its partitions, or a response of any form; null to let it pass. */
export type AnswerFetch = (
  asked: AskedFetch,
) => { readonly [partition: number]: Fetched } | ((version: number) => Bytes) | null;

/**
 * A broker as a client sees it that connects here, apart from its answers to fetches, which are those of the test. What it
 * says of its own address names the proxy.
 */
export class FetchProxy implements AsyncDisposable {
  /** `host:port` of the proxy. */
  readonly address: string;
  /** Answers at once, without waiting for anything to come. */
  answer: AnswerFetch = () => null;
  /** Those that were answered here. */
  readonly answered: AskedFetch[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #upstream: { readonly hostname: string; readonly port: number };
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>[] = [];

  /** @param broker `host:port`; the host is advertised as it stands here */
  constructor(broker: string) {
    const [hostname = "", port] = broker.split(":");
    this.#upstream = { hostname, port: Number(port) };
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.address = `127.0.0.1:${this.#listener.addr.port}`;
    this.#running.push(this.#accept());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) close(connection);
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) this.#running.push(this.#connect(client));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #connect(client: Deno.TcpConn): Promise<void> {
    const broker = await Deno.connect(this.#upstream);
    for (const connection of [client, broker]) this.#connections.add(connection);
    await Promise.all([
      pass(client, broker, async (frame) => {
        const answer = this.#answerTo(frame);
        if (answer === null) return frame;
        await write(client, answer);
        return null;
      }),
      pass(broker, client, (frame) => {
        const toPort = Number(this.address.split(":")[1]);
        return Promise.resolve(readdress(frame, { from: this.#upstream, toPort }));
      }),
    ]);
    for (const connection of [client, broker]) this.#connections.delete(connection);
  }

  #answerTo(frame: Bytes): Bytes | null {
    const decoder = new Decoder(Buffer.from(frame.subarray(SIZE_BYTES)));
    if (decoder.readInt16() !== FETCH) return null;
    const version = decoder.readInt16();
    const correlationId = decoder.readInt32();
    decoder.readString(); // client.id
    const asked = readFetch(decoder, version);
    const answer = this.answer(asked);
    if (answer === null) return null;
    this.answered.push(asked);
    const body = typeof answer === "function"
      ? answer(version)
      : responseBytes({ [asked.topic]: Object.assign([], answer) }, { version });
    const head = Buffer.alloc(2 * SIZE_BYTES);
    head.writeInt32BE(SIZE_BYTES + body.length);
    head.writeInt32BE(correlationId, SIZE_BYTES);
    return new Uint8Array(Buffer.concat([head, body]));
  }
}

function readFetch(decoder: Decoder, version: number): AskedFetch {
  for (let fields = 4; fields > 0; fields--) decoder.readInt32(); // replica, wait, least and most bytes
  decoder.readInt8(); // isolation
  if (version >= 7) decoder.readInt64(); // session
  decoder.readInt32(); // one topic
  const topic = decoder.readString();
  const offsets = new Map<number, number>();
  for (let partitions = decoder.readInt32(); partitions > 0; partitions--) {
    const partition = decoder.readInt32();
    if (version >= 9) decoder.readInt32(); // leader epoch
    offsets.set(partition, Number(decoder.readInt64()));
    if (version >= 5) decoder.readInt64(); // log start
    decoder.readInt32(); // bytes
  }
  return { topic, offsets };
}

/** Passes whole frames on, as they are changed, until either side goes. */
async function pass(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  change: (frame: Bytes) => Promise<Bytes | null>,
): Promise<void> {
  try {
    const reader = new FrameReader(from);
    while (await reader.begin()) {
      const pieces: Bytes[] = [];
      for await (const piece of reader.pieces()) pieces.push(piece);
      const frame = await change(new Uint8Array(Buffer.concat(pieces)));
      if (frame !== null) await write(to, frame);
    }
  } catch {
    // Either side may go at any time; that is what the other one is told.
  }
  close(from);
  close(to);
}

async function write(connection: Deno.TcpConn, bytes: Bytes): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
