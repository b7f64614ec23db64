import type { Batch } from "./partition_queue.ts";
import type { ProducerIdentity } from "./batch_writer.ts";

/** Sequence numbers begin again after this one. */
const MAX_SEQUENCE = 2 ** 31 - 1;

/** What a batch is sent with. */
export interface BatchNumber extends ProducerIdentity {
  readonly firstSequence: number;
}

interface Producer extends ProducerIdentity {
  /** The next number of each partition. */
  readonly sequences: Map<number, number>;
}

/**
 * The numbers by which brokers recognize batches that are sent again. A broker takes a batch whose numbers it knows for
 * the one that it has, whatever it holds: numbers of a batch that may have been stored must never go to another one.
 * kafkajs's own producer lets them, and so can lose a record.
 */
export class BatchNumbers {
  readonly #newProducer: () => Promise<ProducerIdentity>;
  readonly #given = new WeakMap<Batch, { producer: Producer; firstSequence: number }>();
  #producer: Promise<Producer> | undefined;

  constructor(newProducer: () => Promise<ProducerIdentity>) {
    this.#newProducer = newProducer;
  }

  /** The same for a batch each time, unless it was forgotten. A partition must have one batch at a time. */
  async of(batch: Batch): Promise<BatchNumber> {
    const known = this.#given.get(batch);
    if (known !== undefined) return toNumber(known);
    this.#producer ??= this.#startProducer();
    const producer = await this.#producer;
    const given = { producer, firstSequence: producer.sequences.get(batch.partition) ?? 0 };
    this.#given.set(batch, given);
    return toNumber(given);
  }

  /** The numbers of the batch are used up. */
  stored(batch: Batch): void {
    const given = this.#given.get(batch);
    if (given === undefined) return;
    const next = given.firstSequence + batch.records.length;
    given.producer.sequences.set(batch.partition, next % (MAX_SEQUENCE + 1));
  }

  /** The numbers of the batch may be used up. All others start anew, as another producer. */
  forget(batch: Batch): void {
    if (this.#given.delete(batch)) this.#producer = undefined;
  }

  #startProducer(): Promise<Producer> {
    const starting = this.#newProducer().then((identity) => ({
      ...identity,
      sequences: new Map(),
    }));
    starting.catch(() => {
      if (this.#producer === starting) this.#producer = undefined;
    });
    return starting;
  }
}

function toNumber(
  { producer: { producerId, producerEpoch }, firstSequence }: {
    producer: Producer;
    firstSequence: number;
  },
): BatchNumber {
  return { producerId, producerEpoch, firstSequence };
}
