import type { Batch } from "./partition_queue.ts";
import type { ProducerIdentity } from "../records/batch_writer.ts";

/** The highest sequence number; 0 follows it. */
const MAX_SEQUENCE = 2 ** 31 - 1;

/** The producer and the first sequence number that a batch is sent with. */
export interface BatchNumber extends ProducerIdentity {
  readonly firstSequence: number;
}

interface Producer extends ProducerIdentity {
  /** The next sequence number of each partition. */
  readonly sequences: Map<number, number>;
}

/**
 * Assigns the sequence numbers by which brokers recognize repeated batches. A broker drops a batch whose numbers it
 * knows, whatever it holds. So the numbers of a batch that may be stored never go to another one. kafkajs's own
 * producer reuses them, and so can lose a record.
 */
export class BatchNumbers {
  readonly #newProducer: () => Promise<ProducerIdentity>;
  readonly #given = new WeakMap<Batch, { number: BatchNumber; sequences: Map<number, number> }>();
  #producer: Promise<Producer> | undefined;

  constructor(newProducer: () => Promise<ProducerIdentity>) {
    this.#newProducer = newProducer;
  }

  /** The same for a batch each time until {@linkcode forget}. A partition must have only one batch in flight. */
  async of(batch: Batch): Promise<BatchNumber> {
    const known = this.#given.get(batch);
    if (known !== undefined) return known.number;
    this.#producer ??= this.#startProducer();
    const { sequences, ...identity } = await this.#producer;
    const number = { ...identity, firstSequence: sequences.get(batch.partition) ?? 0 };
    this.#given.set(batch, { number, sequences });
    return number;
  }

  /** Advances the partition's sequence past a stored batch. */
  stored(batch: Batch): void {
    const given = this.#given.get(batch);
    if (given === undefined) return;
    const next = given.number.firstSequence + batch.records.length;
    given.sequences.set(batch.partition, next % (MAX_SEQUENCE + 1));
  }

  /** Discards the numbers of a batch that may be stored. Batches without numbers get those of a new producer. */
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
