import type { Batch, RecordPlace } from "../../../src/transports/kafka/producer/partition_queue.ts";
import type { Sender } from "../../../src/transports/kafka/producer/record_batcher.ts";
import type { Failure, Outcome } from "../../../src/transports/kafka/producer/store_failure.ts";

/** A request that was sent to a leader. */
export interface FakeRequest {
  readonly leader: number;
  readonly batches: readonly Batch[];
  /** The values of each batch, by partition. */
  readonly values: Readonly<Record<number, readonly string[]>>;
  /** Answers; what is not said of a batch is that it was stored. */
  answer(failures?: Readonly<Record<number, Failure>>): void;
}

/** Sends to leaders that answer by hand, and keep what is stored. */
export class FakeSender implements Sender {
  readonly topic = "RESULTS";
  readonly requests: FakeRequest[] = [];
  readonly stored: string[] = [];
  readonly forgotten: Batch[] = [];
  refreshes = 0;
  /** What answers a request at once, when it is set. */
  answerWith: ((batch: Batch) => Failure | undefined) | undefined;
  /** The leader of each partition. */
  readonly leaders: number[];
  readonly #ends = new Map<number, number>();

  constructor({ leaders = [1] }: { leaders?: number[] } = {}) {
    this.leaders = leaders;
  }

  get partitionCount(): number {
    return this.leaders.length;
  }

  leaderOf(partition: number): number {
    return this.leaders[partition] ?? -1;
  }

  send(leader: number, batches: readonly Batch[]): Promise<readonly Outcome[]> {
    const { promise, resolve } = Promise.withResolvers<readonly Outcome[]>();
    const answer: FakeRequest["answer"] = (failures = {}) =>
      resolve(batches.map((batch) => failures[batch.partition] ?? this.#keep(batch)));
    const values = Object.fromEntries(batches.map((batch) => [batch.partition, valuesOf(batch)]));
    this.requests.push({ leader, batches, values, answer });
    const { answerWith } = this;
    if (answerWith !== undefined) {
      const failures = batches.map((batch) => [batch.partition, answerWith(batch)]);
      answer(Object.fromEntries(failures.filter(([, failure]) => failure !== undefined)));
    }
    return promise;
  }

  forget(batch: Batch): void {
    this.forgotten.push(batch);
  }

  refresh(): Promise<void> {
    this.refreshes++;
    return Promise.resolve();
  }

  #keep(batch: Batch): RecordPlace {
    const { partition } = batch;
    const offset = this.#ends.get(partition) ?? 0;
    this.#ends.set(partition, offset + batch.records.length);
    this.stored.push(...valuesOf(batch));
    return { topic: this.topic, partition, offset };
  }
}

function valuesOf({ records }: Batch): string[] {
  return records.map(({ value }) => new TextDecoder().decode(value ?? undefined));
}
