import { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import type { Bytes } from "../../../src/core/event.ts";
import { BrokerAdmin } from "../../../faults/broker_admin.ts";
import { FrameReader } from "../../../faults/frame_reader.ts";
import { readdress } from "./advertised_address.ts";
import { changedFetch, type PartitionPart } from "./changed_fetch.ts";
import { type Fetched, responseBytes } from "./fetch_responses.ts";
import { close, Relay, writeAll } from "../network/relay.ts";

const FETCH = 1;
const JOIN_GROUP = 11;
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
 * A broker as a client sees it that connects here, apart from its answers to fetches: those are the test's, or changed by
 * it. What it says of its own address names the proxy.
 */
export class FetchProxy implements AsyncDisposable {
  /** Answers at once, without waiting for anything to come. */
  answer: AnswerFetch = () => null;
  /** Changes what the broker answers for a partition, to fetches that are not answered here. */
  change: ((part: PartitionPart) => void) | null = null;
  /** Those that were answered here. */
  readonly answered: AskedFetch[] = [];
  /** How many fetches there have been. */
  fetches = 0;
  /** How often a member has asked to join its group: twice at first, as it gets its name by the first one. */
  joins = 0;
  readonly #relay: Relay;

  private constructor(broker: string) {
    this.#relay = new Relay(broker, (client, broker) => this.#passOn(client, broker));
  }

  /** @param broker `host:port`, as it calls itself; otherwise clients would find their way around the proxy */
  static async start(broker: string): Promise<FetchProxy> {
    const advertised = await new BrokerAdmin(broker).addresses();
    if (advertised.includes(broker)) return new FetchProxy(broker);
    throw new Error(
      `cannot stand between clients and the broker at ${broker}: it tells them that it is at ` +
        `${advertised}; name it so, in EVENTOR_TEST_BROKER if it is that one`,
    );
  }

  /** `host:port` of the proxy. */
  get address(): string {
    return this.#relay.address;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#relay[Symbol.asyncDispose]();
  }

  async #passOn(client: Deno.TcpConn, broker: Deno.TcpConn): Promise<void> {
    const from = this.#relay.upstream;
    const toPort = Number(this.address.split(":")[1]);
    /** By correlation id, those that the broker has to answer. */
    const asked = new Set<number>();
    await Promise.all([
      pass(client, broker, async (frame) => {
        const request = readRequest(frame);
        if (request.key === JOIN_GROUP) this.joins++;
        if (request.key !== FETCH) return frame;
        this.fetches++;
        const answer = this.#answerTo(request);
        if (answer === null) {
          asked.add(request.correlationId);
          return frame;
        }
        await writeAll(client, framed(request.correlationId, answer));
        return null;
      }),
      pass(broker, client, (frame) => {
        const correlationId = Buffer.from(frame.buffer).readInt32BE(SIZE_BYTES);
        const isFetch = asked.delete(correlationId);
        if (!isFetch || this.change === null) return readdress(frame, { from, toPort });
        const body = Buffer.from(frame.subarray(2 * SIZE_BYTES));
        return framed(correlationId, changedFetch(body, this.change));
      }),
    ]);
  }

  #answerTo({ version, rest }: Request): Bytes | null {
    const asked = readFetch(rest, version);
    const answer = this.answer(asked);
    if (answer === null) return null;
    this.answered.push(asked);
    return typeof answer === "function"
      ? answer(version)
      : responseBytes({ [asked.topic]: Object.assign([], answer) }, { version });
  }
}

interface Request {
  readonly key: number;
  readonly version: number;
  readonly correlationId: number;
  readonly rest: Decoder;
}

function readRequest(frame: Bytes): Request {
  const rest = new Decoder(Buffer.from(frame.subarray(SIZE_BYTES)));
  const head = { key: rest.readInt16(), version: rest.readInt16() };
  const correlationId = rest.readInt32();
  rest.readString(); // client.id
  return { ...head, correlationId, rest };
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
  change: (frame: Bytes) => Bytes | null | Promise<Bytes | null>,
): Promise<void> {
  try {
    const reader = new FrameReader(from);
    while (await reader.begin()) {
      const pieces: Bytes[] = [];
      for await (const piece of reader.pieces()) pieces.push(piece);
      const frame = await change(new Uint8Array(Buffer.concat(pieces)));
      if (frame !== null) await writeAll(to, frame);
    }
  } catch {
    // Either side may go at any time; that is what the other one is told.
  }
  close(from);
  close(to);
}

function framed(correlationId: number, body: Bytes): Bytes {
  const head = Buffer.alloc(2 * SIZE_BYTES);
  head.writeInt32BE(SIZE_BYTES + body.length);
  head.writeInt32BE(correlationId, SIZE_BYTES);
  return new Uint8Array(Buffer.concat([head, body]));
}
